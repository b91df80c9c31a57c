-- Says when something was seen first: now, unless it was before.
-- KEYS seen
-- ARGV at, kept for, in ms
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
