-- Makes a granted consent valid, for the hash of its one-time code.
-- KEYS consent, grant, timeline, due
-- ARGV hash, at, index of the national id, index of the subject, work, origin
local c = redis.call('HMGET', KEYS[1], 'status', 'confirm_hash', 'confirm_until', 'ends', 'authorized')
if not c[1] then return 'NOTFOUND' end
if c[2] ~= ARGV[1] then return 'NO' end
if c[1] == 'valid' then return 'OK' end
if c[1] ~= 'received' or tonumber(ARGV[2]) >= tonumber(c[3]) then return 'NO' end
if redis.call('PEXPIREAT', KEYS[2], c[4]) == 0 then return 'NO' end

redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'status', 'valid')
redis.call('HDEL', KEYS[1], 'confirm_until')
hold(KEYS[1], 'person', ARGV[3], c[5])
hold(KEYS[1], 'subject', ARGV[4], c[5])
line(KEYS[3], ARGV[2], 'app', 'confirmed', '')
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
schedule(KEYS[4], 5)
index(KEYS[1], ARGV[2])
return 'OK'
