-- Ends a bank's incident: its refusals are believed again, and not counted for
-- a while.
-- KEYS incident of the bank, refusals of the bank
-- ARGV at, believed until
local i = redis.call('HMGET', KEYS[1], 'till', 'lifted')
if i[2] == ARGV[1] then return 'OK' end
if not i[1] or tonumber(i[1]) <= tonumber(ARGV[1]) then return 'NOTFOUND' end
redis.call('HSET', KEYS[1], 'till', ARGV[1], 'lifted', ARGV[1], 'believed', ARGV[2])
redis.call('DEL', KEYS[2])
return 'OK'
