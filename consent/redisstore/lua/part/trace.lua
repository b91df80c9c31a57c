-- Remembers which consents a request concerned, for some days after that day.
local function trace(key, id, request, at, kept)
  if request == '' then return end
  local day = math.floor(at / 86400000)
  local requests = string.match(key, '^{.-}:') .. 'requests:' .. string.format('%d', day)
  if redis.call('HSETNX', requests, request, id) == 0 then
    local had = redis.call('HGET', requests, request)
    if #had < 1000 and not string.find(had, id, 1, true) then redis.call('HSET', requests, request, had .. ' ' .. id) end
  elseif redis.call('HLEN', requests) == 1 then
    redis.call('PEXPIREAT', requests, string.format('%d', (day + 1) * 86400000 + kept))
  end
end
