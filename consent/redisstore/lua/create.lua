-- Stores a consent that was asked for. The same consent again is no error.
-- KEYS consent, customer index, timeline, due
-- ARGV id, created, purge at, how many fields and values, those, work
if redis.call('EXISTS', KEYS[1]) == 1 then return 'OK' end
local n = tonumber(ARGV[4])
redis.call('HSET', KEYS[1], unpack(ARGV, 5, 4 + n))
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('XADD', KEYS[3], '*', 'at', ARGV[2], 'actor', 'app', 'event', 'requested', 'detail', '')
redis.call('PEXPIREAT', KEYS[3], ARGV[3])
schedule(KEYS[4], 5 + n)
return 'OK'
