-- Claims warning thresholds of one term before anybody is told, so that each
-- reaches the customer once. Without any that is new, nothing is scheduled.
-- KEYS consent, due, timeline
-- ARGV term, how many thresholds, those in days, threshold that another
--      consent's mail spoke for (0: none), which message that was, at, work,
--      origin
local c = redis.call('HMGET', KEYS[1], 'status', 'term')
if not c[1] then return 'NOTFOUND' end
if c[1] ~= 'valid' or c[2] ~= ARGV[1] then return 'OVER' end
local n, new = tonumber(ARGV[2]), 0
if ARGV[3 + n] ~= '0' and redis.call('HSETNX', KEYS[1], 'spoken:' .. ARGV[1] .. ':' .. ARGV[3 + n], '1') == 1 then
  line(KEYS[3], ARGV[5 + n], 'system', 'message_sent', ARGV[4 + n])
  redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
end
for i = 3, 2 + n do
  new = new + redis.call('HSETNX', KEYS[1], 'warned:' .. ARGV[1] .. ':' .. ARGV[i], '1')
end
if new == 0 then return 'AGAIN' end
schedule(KEYS[2], 6 + n)
return 'OK'
