-- Counts a bank's refusal of a grant. More than so many of them within a
-- window are an incident, during which no refusal is believed, and which each
-- further such minute prolongs. While staff say that the bank means it, none
-- is counted.
-- KEYS refusals of the bank, incident of the bank, who was refused in it
-- ARGV at, window in ms, most in a window, incident lasts in ms, who was
--      refused, how long it is remembered in ms
local at = tonumber(ARGV[1])
local i = redis.call('HMGET', KEYS[2], 'till', 'believed')
if i[2] and tonumber(i[2]) > at then return 'OK' end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%d', at - tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local on = i[1] and tonumber(i[1]) > at
local seen = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
if #seen / 2 > tonumber(ARGV[3]) then
  if not on then
    redis.call('DEL', KEYS[2], KEYS[3])
    redis.call('HSET', KEYS[2], 'since', ARGV[1], 'from', seen[2], 'refusals', #seen / 2 - 1)
    for k = 1, #seen, 2 do redis.call('ZADD', KEYS[3], seen[k + 1], seen[k]) end
  end
  redis.call('HSET', KEYS[2], 'till', string.format('%d', at + tonumber(ARGV[4])))
  on = true
end
if not on then return 'OK' end
redis.call('HINCRBY', KEYS[2], 'refusals', 1)
redis.call('ZADD', KEYS[3], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return 'INCIDENT'
