-- Claims tasks that are due: each is moved forward by the visibility time-out,
-- after which it is due again unless it was finished.
-- KEYS due
-- ARGV now, visible again at, most
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, name in ipairs(names) do redis.call('ZADD', KEYS[1], ARGV[2], name) end
return names
