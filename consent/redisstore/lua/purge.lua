-- Deletes everything about a consent but its grants aside, which only serve to
-- tell the bank, and how it ended, which is known for some time: its app has
-- to be told, and a late creation must not bring it back.
-- KEYS consent, grant, timeline, daily counts, deliveries, customer index, person index, due,
--      undelivered, refused grant, gone, the customer's reminders
-- ARGV id, gone for in ms, work
unindex(KEYS[1])
unhold(KEYS[1])
for _, field in ipairs({'app', 'bank', 'status', 'cause_actor', 'cause_code', 'created', 'authorized', 'ends', 'ended', 'term'}) do
  local value = redis.call('HGET', KEYS[1], field)
  if value then redis.call('HSET', KEYS[11], field, value) end
end
redis.call('PEXPIRE', KEYS[11], ARGV[2])
for _, field in ipairs(redis.call('HKEYS', KEYS[5])) do
  local task = string.match(field, '^undelivered:(.+)$')
  if task then redis.call('ZREM', KEYS[9], task) end
end
for i = 1, 5 do redis.call('DEL', KEYS[i]) end
redis.call('DEL', KEYS[10])
redis.call('ZREM', KEYS[6], ARGV[1])
if redis.call('EXISTS', KEYS[6]) == 0 then redis.call('DEL', KEYS[12]) end
redis.call('ZREM', KEYS[7], ARGV[1])
schedule(KEYS[8], 3)
return 'OK'
