-- Records the bank's refusal as the consent's end and deletes the grant, if
-- the refusal is about the newest generation, under the newest lease.
-- KEYS grant, consent, timeline
-- ARGV lease, version, cause, at
local g = redis.call('HMGET', KEYS[1], 'version', 'lease')
if not g[1] then
  if redis.call('HGET', KEYS[2], 'dead_lease') == ARGV[1] then return 'OK' end
  return 'GONE'
end
if g[1] ~= ARGV[2] or g[2] ~= ARGV[1] then return 'NEWER' end
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 0 then return 'OK' end
redis.call('HINCRBY', KEYS[2], 'version', 1)
redis.call('HSET', KEYS[2], 'status', 'terminatedByAspsp', 'cause_actor', 'bank', 'cause_code', ARGV[3],
  'ended', ARGV[4], 'dead_lease', ARGV[1])
redis.call('HDEL', KEYS[2], 'confirm_hash', 'confirm_until')
redis.call('XADD', KEYS[3], '*', 'at', ARGV[4], 'actor', 'bank', 'event', 'ended', 'detail', ARGV[3])
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2]))
return 'OK'
