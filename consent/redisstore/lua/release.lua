-- Gives a lease back without a new generation, and lets the bank rest.
-- KEYS grant, consent
-- ARGV lease, whether it is known what the bank did, rest in ms, at
local g = redis.call('HMGET', KEYS[1], 'version', 'lease', 'open', 'bank')
if not g[1] or g[2] ~= ARGV[1] then return 'OK' end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'until', '0', 'open', '0', 'rest', string.format('%d', now + tonumber(ARGV[3])))
if ARGV[2] == '0' then redis.call('HSET', KEYS[1], 'doubt', '1') end
if g[3] == '1' then tally(daily(KEYS[1], 'day', ARGV[4]), 'failed ' .. g[4], ARGV[4]) end
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('HSET', KEYS[2], 'failing', '1') == 1 then index(KEYS[2], '') end
return 'OK'
