-- Finishes a delivery: in the timeline, in the list of what was not
-- delivered, and in the due set, unless it was claimed again meanwhile.
-- KEYS consent, timeline, due, deliveries, undelivered
-- ARGV task, claimed until, what, outcome, detail, at, origin
local score = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 'OK' end
redis.call('ZREM', KEYS[3], ARGV[1])
untell(KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], 'since:' .. ARGV[1], 'tries:' .. ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then return 'OK' end
if ARGV[4] == 'undelivered' then
  redis.call('ZADD', KEYS[5], ARGV[6], ARGV[1])
  redis.call('HSET', KEYS[4], 'undelivered:' .. ARGV[1], ARGV[6])
  redis.call('PEXPIRE', KEYS[4], redis.call('PTTL', KEYS[1]))
end
local detail = ARGV[3]
if ARGV[5] ~= '' then detail = detail .. ': ' .. ARGV[5] end
line(KEYS[2], ARGV[6], 'system', 'message_' .. ARGV[4], detail)
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 'OK'
