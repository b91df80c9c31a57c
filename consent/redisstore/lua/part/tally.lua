-- Counts what happened on a day. A day's counters go by themselves.
local function tally(key, at, what)
  local day = math.floor(at / 86400000)
  local counters = string.match(key, '^{.-}:') .. 'day:' .. string.format('%d', day)
  if redis.call('HINCRBY', counters, what, 1) == 1 then
    redis.call('PEXPIREAT', counters, string.format('%d', (day + 31) * 86400000))
  end
end
