-- Counts a failed attempt, and remembers the first.
-- KEYS deliveries, consent
-- ARGV task, at, kept for (ms) where there is no record
redis.call('HSETNX', KEYS[1], 'since:' .. ARGV[1], ARGV[2])
local tries = redis.call('HINCRBY', KEYS[1], 'tries:' .. ARGV[1], 1)
local left = redis.call('PTTL', KEYS[2])
if left < 0 then left = ARGV[3] end
redis.call('PEXPIRE', KEYS[1], left)
return {string.format('%d', tries), redis.call('HGET', KEYS[1], 'since:' .. ARGV[1])}
