-- Ends a session: its data is gone, and its name stays taken until every
-- request that may still hold it has ended. A name that nobody had is not
-- kept: browsers may send what they like.
-- KEYS session
-- ARGV how long in milliseconds
redis.call('SET', KEYS[1], '', 'XX', 'PX', ARGV[1])
return 'OK'
