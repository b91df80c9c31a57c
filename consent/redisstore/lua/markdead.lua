-- Records the bank's refusal as the consent's end, if the refusal is about the
-- newest generation, under the newest lease. The grant is deleted, or kept out
-- of reach until it is known whether the bank meant it.
-- KEYS grant, consent, timeline, due, refused grant
-- ARGV lease, version, cause, at, id, whether it may be restored, kept until,
--      known at, origin
local g = redis.call('HMGET', KEYS[1], 'version', 'lease', 'bank')
if not g[1] then
  if redis.call('HGET', KEYS[2], 'dead_lease') == ARGV[1] then return 'OK' end
  return 'GONE'
end
if g[1] ~= ARGV[2] or g[2] ~= ARGV[1] then return 'NEWER' end
local c = redis.call('HMGET', KEYS[2], 'term', 'status')
local keep = ARGV[6] == '1' and c[2] == 'valid'
if keep then
  redis.call('RENAME', KEYS[1], KEYS[5])
  redis.call('PEXPIREAT', KEYS[5], ARGV[7])
else
  redis.call('DEL', KEYS[1])
end
if not c[1] then return 'OK' end
redis.call('HINCRBY', KEYS[2], 'version', 1)
redis.call('HSET', KEYS[2], 'status', 'terminatedByAspsp', 'cause_actor', 'bank', 'cause_code', ARGV[3],
  'ended', ARGV[4], 'dead_lease', ARGV[1])
redis.call('HDEL', KEYS[2], 'confirm_hash', 'confirm_until', 'heard')
for _, kind in ipairs({'warn ', 'expire ', 'probe ', 'abandon '}) do redis.call('ZREM', KEYS[4], kind .. ARGV[5]) end
if keep then
  redis.call('ZADD', KEYS[4], ARGV[8], 'believe ' .. ARGV[5])
else
  local told = 'deliver ' .. ARGV[5] .. ' all refused ' .. c[1]
  redis.call('ZADD', KEYS[4], ARGV[8], told)
  tell(KEYS[4], told)
end
line(KEYS[3], ARGV[4], 'bank', 'ended', ARGV[3])
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[2]))
tally(daily(KEYS[2], 'day', ARGV[4]), 'refused ' .. g[3], ARGV[4])
index(KEYS[2], ARGV[4])
return 'OK'
