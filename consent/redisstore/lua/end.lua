-- Ends a consent on somebody's wish: from here on nothing is handed out. What
-- the customer or the app ended before stays as it was. The bank is told of the
-- grant, also of one that it refused and that may be alive there all the same.
-- KEYS consent, grant, timeline, due, grants aside, refused grant
-- ARGV status, actor, code, at, event, id, grants aside purge at, purge at,
--      work, origin
local c = redis.call('HMGET', KEYS[1], 'status', 'bank')
if not c[1] then return 'NOTFOUND' end
if c[1] == 'revokedByPsu' or c[1] == 'terminatedByTpp' then return 'OK' end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'status', ARGV[1], 'cause_actor', ARGV[2], 'cause_code', ARGV[3], 'ended', ARGV[4])
redis.call('HDEL', KEYS[1], 'confirm_hash', 'confirm_until', 'told_bank')
local ended = aside(KEYS[2], KEYS[5], KEYS[4], ARGV[6], c[2], ARGV[4], ARGV[7])
local refused = aside(KEYS[6], KEYS[5], KEYS[4], ARGV[6], c[2], ARGV[4], ARGV[7])
redis.call('HSET', KEYS[1], 'ended_grant', ended or refused or '')
redis.call('DEL', KEYS[2], KEYS[6])
schedule(KEYS[4], 9)
line(KEYS[3], ARGV[4], ARGV[2], ARGV[5], ARGV[3])
keep(KEYS[1], ARGV[8])
index(KEYS[1], ARGV[4])
return 'OK'
