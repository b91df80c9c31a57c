-- Takes one of a bank's calls of this minute.
-- KEYS budget of the bank and minute
-- ARGV calls a minute
local n = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 120000)
if n > tonumber(ARGV[1]) then return 'SPENT' end
return 'OK'
