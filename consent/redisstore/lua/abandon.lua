-- Gives up a grant that the app never confirmed, when its time is over.
-- KEYS consent, grant, timeline, due, grants aside
-- ARGV at, id, grants aside purge at, origin
local c = redis.call('HMGET', KEYS[1], 'status', 'bank', 'confirm_until')
if not c[1] then return 'NOTFOUND' end
if c[1] == 'valid' or not c[3] or tonumber(c[3]) > tonumber(ARGV[1]) then return 'OK' end
if redis.call('EXISTS', KEYS[2]) == 0 then return 'OK' end
aside(KEYS[2], KEYS[5], KEYS[4], ARGV[2], c[2], ARGV[1], ARGV[3])
redis.call('DEL', KEYS[2])
line(KEYS[3], ARGV[1], 'system', 'given_up', 'unconfirmed')
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
return 'OK'
