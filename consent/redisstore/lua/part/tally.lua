-- Counts what happened on a day, and says how often. A day's counters go by
-- themselves.
local function tally(counters, what, at)
  local n = redis.call('HINCRBY', counters, what, 1)
  if n == 1 then redis.call('PEXPIREAT', counters, string.format('%d', at + 31 * 86400000)) end
  return n
end
