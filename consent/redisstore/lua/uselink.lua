-- Binds a link to the first browser that uses it.
-- KEYS link
-- ARGV hash of the browser's secret
local l = redis.call('HMGET', KEYS[1], 'box', 'browser')
if not l[1] then return {'GONE'} end
if l[2] and l[2] ~= ARGV[1] then return {'USED'} end
redis.call('HSET', KEYS[1], 'browser', ARGV[1])
return {'OK', l[1]}
