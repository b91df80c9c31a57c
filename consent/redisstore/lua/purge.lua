-- Deletes everything about a consent but its grants aside, which only serve to
-- tell the bank.
-- KEYS consent, grant, timeline, daily counts, deliveries, customer index, person index, due,
--      undelivered, refused grant, the customer's reminders
-- ARGV id, work
unindex(KEYS[1])
unhold(KEYS[1])
for _, field in ipairs(redis.call('HKEYS', KEYS[5])) do
  local task = string.match(field, '^undelivered:(.+)$')
  if task then redis.call('ZREM', KEYS[9], task) end
end
for i = 1, 5 do redis.call('DEL', KEYS[i]) end
redis.call('DEL', KEYS[10])
redis.call('ZREM', KEYS[6], ARGV[1])
if redis.call('EXISTS', KEYS[6]) == 0 then redis.call('DEL', KEYS[11]) end
redis.call('ZREM', KEYS[7], ARGV[1])
schedule(KEYS[8], 2)
return 'OK'
