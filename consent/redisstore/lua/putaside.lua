-- Keeps a grant that was never stored, or came back for a consent that had
-- ended, until its bank was told that it is over.
-- KEYS grants aside, due
-- ARGV id, bank, commit id, access, refresh, at, purge at
redis.call('HSET', KEYS[1], ARGV[3] .. ':bank', ARGV[2], ARGV[3] .. ':access', ARGV[4], ARGV[3] .. ':refresh', ARGV[5])
redis.call('PEXPIREAT', KEYS[1], ARGV[7])
redis.call('ZADD', KEYS[2], ARGV[6], 'revoke ' .. ARGV[1] .. ' ' .. ARGV[3])
return 'OK'
