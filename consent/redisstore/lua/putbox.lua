-- Keeps a link or an authorization for a while.
-- KEYS key
-- ARGV box, until
redis.call('HSET', KEYS[1], 'box', ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 'OK'
