-- Remembers which consents a request concerned, for some time after its day.
local function trace(requests, id, request, at, kept)
  if request == '' then return end
  if redis.call('HSETNX', requests, request, id) == 0 then
    local had = redis.call('HGET', requests, request)
    if #had < 1000 and not string.find(had, id, 1, true) then redis.call('HSET', requests, request, had .. ' ' .. id) end
  elseif redis.call('HLEN', requests) == 1 then
    redis.call('PEXPIREAT', requests, string.format('%d', at + 86400000 + kept))
  end
end
