-- Keeps when a credential was used last; replicas may come out of order.
-- KEYS credentials of the app
-- ARGV credential, when, how long to keep it
local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if tonumber(ARGV[2]) > known then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 'OK'
