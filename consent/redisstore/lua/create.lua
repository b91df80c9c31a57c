-- Stores a consent that was asked for. The same consent again is no error, one
-- that was purged is.
-- KEYS consent, customer index, timeline, due, gone, the customer's reminders
-- ARGV id, created, purge at, how many fields and values, those, work, origin
if redis.call('EXISTS', KEYS[1]) == 1 then return 'OK' end
if redis.call('EXISTS', KEYS[5]) == 1 then return 'NOTFOUND' end
local n = tonumber(ARGV[4])
redis.call('HSET', KEYS[1], unpack(ARGV, 5, 4 + n))
if redis.call('EXISTS', KEYS[6]) == 1 then redis.call('HSET', KEYS[1], 'no_reminders', '1') end
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
line(KEYS[3], ARGV[2], 'app', 'requested', '')
redis.call('PEXPIREAT', KEYS[3], ARGV[3])
schedule(KEYS[4], 5 + n)
index(KEYS[1], ARGV[2])
return 'OK'
