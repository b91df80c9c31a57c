-- Keeps what came of a taken authorization, in place of what it took to get
-- there.
-- KEYS flow
-- ARGV box, until
redis.call('HSETNX', KEYS[1], 'taken', 'done')
redis.call('HSET', KEYS[1], 'result', ARGV[1])
redis.call('HDEL', KEYS[1], 'box')
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 'OK'
