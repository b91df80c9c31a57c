-- Forgets the grant that a bank refused, now that the refusal is believed.
-- KEYS consent, refused grant, due
-- ARGV work
redis.call('DEL', KEYS[2])
if redis.call('HGET', KEYS[1], 'status') == 'terminatedByAspsp' then schedule(KEYS[3], 1) end
return 'OK'
