-- Ends a consent on somebody's wish: from here on nothing is handed out. What
-- the customer or the app ended before stays as it was.
-- KEYS consent, grant, timeline, due, grants aside
-- ARGV status, actor, code, at, event, id, grants aside purge at, work
local c = redis.call('HMGET', KEYS[1], 'status', 'bank')
if not c[1] then return 'NOTFOUND' end
if c[1] == 'revokedByPsu' or c[1] == 'terminatedByTpp' then return 'OK' end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'status', ARGV[1], 'cause_actor', ARGV[2], 'cause_code', ARGV[3], 'ended', ARGV[4])
redis.call('HDEL', KEYS[1], 'confirm_hash', 'confirm_until', 'told_bank')
redis.call('HSET', KEYS[1], 'ended_grant', redis.call('HGET', KEYS[2], 'cid') or '')
aside(KEYS[2], KEYS[5], KEYS[4], ARGV[6], c[2], ARGV[4], ARGV[7])
redis.call('DEL', KEYS[2])
schedule(KEYS[4], 8)
redis.call('XADD', KEYS[3], '*', 'at', ARGV[4], 'actor', ARGV[2], 'event', ARGV[5], 'detail', ARGV[3])
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
return 'OK'
