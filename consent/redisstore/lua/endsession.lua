-- Ends a session: its data is gone, and its name stays taken until every
-- request that may still hold it has ended.
-- KEYS session
-- ARGV how long in milliseconds
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
return 'OK'
