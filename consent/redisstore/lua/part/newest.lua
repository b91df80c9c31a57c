-- Reads the number and the hash of the audit chain's newest entry.
local function newest(entries, head)
  local h = redis.call('HMGET', head, 'seq', 'hash')
  if h[1] then return h[1], h[2] or '' end
  local last = redis.call('XREVRANGE', entries, '+', '-', 'COUNT', 1)[1]
  if not last then return '0', '' end
  for i = 1, #last[2], 2 do
    if last[2][i] == 'hash' then return string.match(last[1], '^%d+'), last[2][i + 1] end
  end
  return string.match(last[1], '^%d+'), ''
end
