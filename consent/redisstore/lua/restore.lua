-- Gives a consent back the grant that its bank refused in an incident, unless
-- anything happened to it since. It gets a lease of nobody's, so that a late
-- repetition of the refusal is about an older one. An app that heard of the end
-- is told of this.
-- KEYS consent, grant, timeline, due, refused grant
-- ARGV at, nobody may acquire it for in ms, work,
--      what to tell an app that heard, origin
local c = redis.call('HMGET', KEYS[1], 'status', 'dead_lease', 'ends', 'heard')
if not c[1] then return 'NOTFOUND' end
if c[1] ~= 'terminatedByAspsp' or not c[2] or redis.call('EXISTS', KEYS[5]) == 0 then return 'GONE' end
local t = redis.call('TIME')
local clock = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('RENAME', KEYS[5], KEYS[2])
redis.call('HSET', KEYS[2], 'lease', redis.call('HINCRBY', KEYS[1], 'lease', 1), 'until', '0', 'open', '0', 'rest', string.format('%d', clock + tonumber(ARGV[2])))
redis.call('PEXPIREAT', KEYS[2], c[3])
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'status', 'valid')
redis.call('HDEL', KEYS[1], 'cause_actor', 'cause_code', 'ended', 'dead_lease', 'heard')
local rest = schedule(KEYS[4], 3)
if c[4] then schedule(KEYS[4], rest) end
line(KEYS[3], ARGV[1], 'system', 'restored', 'incident')
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
index(KEYS[1], ARGV[1])
return 'OK'
