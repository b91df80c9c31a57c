-- Records what became of telling the bank that a grant is over, and forgets
-- the grant.
-- KEYS consent, timeline, grants aside, deliveries
-- ARGV commit id, outcome, at, task, origin
redis.call('HDEL', KEYS[3], ARGV[1] .. ':bank', ARGV[1] .. ':access', ARGV[1] .. ':refresh')
redis.call('HDEL', KEYS[4], 'since:' .. ARGV[4], 'tries:' .. ARGV[4])
if redis.call('EXISTS', KEYS[1]) == 0 then return 'OK' end
if redis.call('HGET', KEYS[1], 'ended_grant') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'told_bank', ARGV[2])
  index(KEYS[1], ARGV[3])
end
line(KEYS[2], ARGV[3], 'system', 'bank_told', ARGV[2])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 'OK'
