-- Makes an undelivered message due again.
-- KEYS undelivered, due, deliveries
-- ARGV task, at
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 'NOTFOUND' end
redis.call('HDEL', KEYS[3], 'undelivered:' .. ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
tell(KEYS[2], ARGV[1])
return 'OK'
