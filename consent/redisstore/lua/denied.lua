-- Puts a hand-out on record that failed on its way.
-- KEYS hand-outs
-- ARGV id, app, request id, now, outcome, length of the stream
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], '*', 'at', ARGV[4], 'consent', ARGV[1], 'app', ARGV[2],
  'request', ARGV[3], 'outcome', ARGV[5])
return 'OK'
