-- Stores what the bank answered to a refresh. Never brings a grant back that
-- was ended meanwhile, and never writes over a later lease's.
-- KEYS grant, consent (which counts generations)
-- ARGV lease, commit id, access, refresh, exp, iat, scopes
local g = redis.call('HMGET', KEYS[1], 'version', 'cid', 'committed', 'lease')
if not g[1] or redis.call('EXISTS', KEYS[2]) == 0 then return 'GONE' end
if g[2] == ARGV[2] then return 'OK' end
if tonumber(ARGV[1]) < tonumber(g[3] or '0') then return 'FENCED' end
redis.call('HSET', KEYS[1], 'version', redis.call('HINCRBY', KEYS[2], 'generation', 1), 'committed', ARGV[1], 'cid', ARGV[2], 'access', ARGV[3], 'exp', ARGV[5], 'iat', ARGV[6],
  'scopes', ARGV[7])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'refresh', ARGV[4]) end
if g[4] == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner', 'until', 'rest', 'open', 'doubt') end
if redis.call('HDEL', KEYS[2], 'failing') == 1 then index(KEYS[2], '') end
return 'OK'
