-- Keeps the proof that a customer was erased. It names nobody.
-- KEYS erasures
-- ARGV reference, app, consents, at
redis.call('XADD', KEYS[1], '*', 'reference', ARGV[1], 'app', ARGV[2], 'consents', ARGV[3], 'at', ARGV[4])
return 'OK'
