-- Takes what is too old out of an app's log. Which entry was the newest stays
-- known, so that a reader who had it is not told of a gap.
-- KEYS events, ids of events, newest entry
-- ARGV oldest kept
local newest = newestEvent(KEYS[1], KEYS[3])
if not newest then return 'OK' end
redis.call('SET', KEYS[3], newest)
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1])
return 'OK'
