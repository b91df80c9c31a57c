-- Has Redis drop a record, and what hangs on it, by itself at a time, should
-- nobody have purged it by then. What is dropped takes nothing out of lists and
-- counters, so the time is after that of the purge.
local function keep(key, at)
  local tag, id = string.match(key, '^({.-}:)consent:(.+)$')
  for _, kind in ipairs({'consent', 'timeline', 'uses', 'deliveries'}) do
    redis.call('PEXPIREAT', tag .. kind .. ':' .. id, at)
  end
end
