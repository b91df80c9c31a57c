-- Adds a line to the timeline of a consent that exists.
-- KEYS consent, timeline
-- ARGV at, actor, event, detail
if redis.call('EXISTS', KEYS[1]) == 0 then return 'NOTFOUND' end
redis.call('XADD', KEYS[2], '*', 'at', ARGV[1], 'actor', ARGV[2], 'event', ARGV[3], 'detail', ARGV[4])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 'OK'
