-- Puts down what an idempotency key stands for, unless that is there already.
-- KEYS once
-- ARGV box, until
local new = redis.call('HSETNX', KEYS[1], 'box', ARGV[1])
local stands = redis.call('HMGET', KEYS[1], 'box', 'made')
if new == 1 then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return stands
