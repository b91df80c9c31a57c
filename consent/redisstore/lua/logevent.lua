-- Appends an event to its app's log, unless it is there. Each entry names the
-- one before it, so that a reader sees whether something was cut off between.
-- The log of an app that nobody trims goes by itself.
-- KEYS events, ids of events, newest entry
-- ARGV id, payload, at, most events, oldest kept, log kept until
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 'OK' end
local before, at = newestEvent(KEYS[1], KEYS[3]) or '0-0', ARGV[3] .. '-0'
local ms, n = string.match(before, '(%d+)-(%d+)')
if tonumber(ms) >= tonumber(ARGV[3]) then at = ms .. '-' .. string.format('%d', n + 1) end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], at, 'id', ARGV[1], 'payload', ARGV[2], 'before', before)
redis.call('SET', KEYS[3], at)
redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[5])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[4] - 1)
for i = 1, 2 do redis.call('PEXPIREAT', KEYS[i], ARGV[6]) end
return 'OK'
