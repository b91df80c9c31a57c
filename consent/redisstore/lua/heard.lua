-- Remembers that an app heard of an end that its bank made, which may be taken
-- back.
-- KEYS consent
if redis.call('HGET', KEYS[1], 'status') == 'terminatedByAspsp' then redis.call('HSET', KEYS[1], 'heard', '1') end
return 'OK'
