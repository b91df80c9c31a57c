-- Counts a bank's refusal of a grant. More than so many of them within a
-- window are an incident, during which no refusal is believed.
-- KEYS refusals of the bank, incident of the bank
-- ARGV at, window in ms, most in a window, incident lasts in ms, who was refused
local at = tonumber(ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%d', at - tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
  redis.call('SET', KEYS[2], string.format('%d', at + tonumber(ARGV[4])), 'PX', ARGV[4])
end
local till = redis.call('GET', KEYS[2])
if till and tonumber(till) > at then return 'INCIDENT' end
return 'OK'
