-- Deletes the secret of a consent whose end date passed. The record stays.
-- KEYS consent, grant, timeline, due
-- ARGV at, work, origin
local c = redis.call('HMGET', KEYS[1], 'status', 'ends', 'term', 'lapsed')
if not c[1] then return 'NOTFOUND' end
if c[1] ~= 'valid' or tonumber(c[2]) > tonumber(ARGV[1]) or c[4] == c[3] then return 'OK' end
redis.call('HSET', KEYS[1], 'lapsed', c[3])
redis.call('DEL', KEYS[2])
schedule(KEYS[4], 2)
line(KEYS[3], c[2], 'system', 'expired', '')
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
index(KEYS[1], ARGV[1])
return 'OK'
