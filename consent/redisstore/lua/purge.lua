-- Deletes everything about a consent but its grants aside, which only serve to
-- tell the bank, and that it is gone, which is known for some time: a late
-- creation must not bring it back.
-- KEYS consent, grant, timeline, daily counts, deliveries, customer index, person index, due,
--      undelivered, refused grant, gone
-- ARGV id, gone for in ms, work
unindex(KEYS[1])
unhold(KEYS[1])
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SET', KEYS[11], '', 'PX', ARGV[2]) end
for _, field in ipairs(redis.call('HKEYS', KEYS[5])) do
  local task = string.match(field, '^undelivered:(.+)$')
  if task then redis.call('ZREM', KEYS[9], task) end
end
for i = 1, 5 do redis.call('DEL', KEYS[i]) end
redis.call('DEL', KEYS[10])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
schedule(KEYS[8], 3)
return 'OK'
