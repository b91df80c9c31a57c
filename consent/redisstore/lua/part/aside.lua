-- Keeps a grant aside, out of reach of hand-outs and refreshes, until the
-- bank was told that it is over: at most until the time purge. Returns its commit
-- id; nil when there is no grant.
local function aside(from, to, due, id, bank, now, purge)
  local g = redis.call('HMGET', from, 'cid', 'access', 'refresh')
  if not g[1] then return end
  redis.call('HSET', to, g[1] .. ':bank', bank, g[1] .. ':access', g[2], g[1] .. ':refresh', g[3] or '')
  redis.call('PEXPIREAT', to, purge)
  redis.call('ZADD', due, now, 'revoke ' .. id .. ' ' .. g[1])
  return g[1]
end
