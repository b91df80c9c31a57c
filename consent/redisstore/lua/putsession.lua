-- Keeps a session until it is over, unless it was ended: a request that was
-- under way meanwhile must not bring it back.
-- KEYS session
-- ARGV box, until
if redis.call('GET', KEYS[1]) == '' then return 'OK' end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 'OK'
