-- Puts a hand-out on record that failed on its way.
-- KEYS hand-outs, the day's counters, the day's requests
-- ARGV id, app, request id, now, outcome, length of the stream, how
--      long a request id finds its consents, in ms, how many of an app's
--      denied hand-outs a day are found by it
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], '*', 'at', ARGV[4], 'consent', ARGV[1], 'app', ARGV[2],
  'request', ARGV[3], 'outcome', ARGV[5])
local n = tally(KEYS[2], 'denied ' .. ARGV[2], ARGV[4])
if n <= tonumber(ARGV[8]) then trace(KEYS[3], ARGV[1], ARGV[3], ARGV[4], ARGV[7]) end
return 'OK'
