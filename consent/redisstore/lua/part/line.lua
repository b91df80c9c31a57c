-- Adds a line to a consent's timeline, with where the change comes from: the
-- last ARGV are request id, staff, reason, and for how long a request id finds
-- its consents.
local function line(key, at, actor, event, detail)
  local fields = {'at', at, 'actor', actor, 'event', event, 'detail', detail}
  for i, name in ipairs({'request', 'staff', 'reason'}) do
    local value = ARGV[#ARGV - 4 + i]
    if value ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  redis.call('XADD', key, '*', unpack(fields))
  trace(daily(key, 'requests', at), string.match(key, ':timeline:(.+)$'), ARGV[#ARGV - 3], at, ARGV[#ARGV])
end
