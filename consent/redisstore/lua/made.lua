-- Puts down that what an idempotency key stands for is stored.
-- KEYS once
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'made', '1') end
return 'OK'
