-- Records the bank's refusal as the consent's end and deletes the grant, if
-- the refusal is about the newest generation, under the newest lease.
-- KEYS grant, consent, timeline, due
-- ARGV lease, version, cause, at, id
local g = redis.call('HMGET', KEYS[1], 'version', 'lease')
if not g[1] then
  if redis.call('HGET', KEYS[2], 'dead_lease') == ARGV[1] then return 'OK' end
  return 'GONE'
end
if g[1] ~= ARGV[2] or g[2] ~= ARGV[1] then return 'NEWER' end
redis.call('DEL', KEYS[1])
local term = redis.call('HGET', KEYS[2], 'term')
if not term then return 'OK' end
redis.call('HINCRBY', KEYS[2], 'version', 1)
redis.call('HSET', KEYS[2], 'status', 'terminatedByAspsp', 'cause_actor', 'bank', 'cause_code', ARGV[3],
  'ended', ARGV[4], 'dead_lease', ARGV[1])
redis.call('HDEL', KEYS[2], 'confirm_hash', 'confirm_until')
for _, kind in ipairs({'warn ', 'expire ', 'probe ', 'abandon '}) do redis.call('ZREM', KEYS[4], kind .. ARGV[5]) end
-- A minute later, because by then it may turn out to be the bank's fault.
local told = 'deliver ' .. ARGV[5] .. ' all refused ' .. term
redis.call('ZADD', KEYS[4], string.format('%d', ARGV[4] + 60000), told)
tell(KEYS[4], told)
redis.call('XADD', KEYS[3], '*', 'at', ARGV[4], 'actor', 'bank', 'event', 'ended', 'detail', ARGV[3])
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2]))
return 'OK'
