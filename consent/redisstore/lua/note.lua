-- Adds a line to the timeline of a consent that exists.
-- KEYS consent, timeline
-- ARGV at, actor, event, detail, origin
if redis.call('EXISTS', KEYS[1]) == 0 then return 'NOTFOUND' end
line(KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 'OK'
