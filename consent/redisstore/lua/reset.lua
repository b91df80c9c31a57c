-- Throws the books of a partition away and begins a new epoch. What is still
-- listed in the old counters goes as well, besides the lists that are named.
-- KEYS counters, lapses, lists
-- ARGV epoch
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then return 'OK' end
local tag = string.match(KEYS[1], '^{.-}:')
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local app, bank, state = string.match(field, '^(%S+) (%S+) (%S+)$')
  if state then
    for _, whose in ipairs({app .. ':' .. bank, app .. ':', ':' .. bank, ':'}) do
      local list = whose .. ':' .. state
      redis.call('DEL', tag .. 'ends:' .. list, tag .. 'changed:' .. list)
    end
  end
end
for i = 1, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
return 'OK'
