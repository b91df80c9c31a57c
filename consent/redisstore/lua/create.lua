-- Stores a consent that was asked for. The same consent again is no error.
-- KEYS consent, customer index, timeline
-- ARGV id, created, purge at, then the record's fields and values
if redis.call('EXISTS', KEYS[1]) == 1 then return 'OK' end
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[2], ARGV[3])
redis.call('XADD', KEYS[3], '*', 'at', ARGV[2], 'actor', 'app', 'event', 'requested', 'detail', '')
redis.call('PEXPIREAT', KEYS[3], ARGV[3])
return 'OK'
