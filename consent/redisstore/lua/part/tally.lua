-- Counts what happened on a day. A day's counters go by themselves.
local function tally(counters, what, at)
  if redis.call('HINCRBY', counters, what, 1) == 1 then
    redis.call('PEXPIREAT', counters, string.format('%d', at + 31 * 86400000))
  end
end
