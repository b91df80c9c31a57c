-- Deletes everything about a consent but its grants aside, which only serve to
-- tell the bank.
-- KEYS consent, grant, timeline, daily counts, deliveries, customer index, person index, due
-- ARGV id, work
unindex(KEYS[1])
for i = 1, 5 do redis.call('DEL', KEYS[i]) end
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
schedule(KEYS[8], 2)
return 'OK'
