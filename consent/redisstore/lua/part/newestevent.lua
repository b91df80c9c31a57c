-- The newest entry of an app's log, also when it was dropped since.
local function newestEvent(events, newest)
  local id = redis.call('GET', newest)
  if id then return id end
  local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
  if last then return last[1] end
end
