-- Takes the lease on a grant and reads the grant under it. A lease whose time
-- ran out without a conclusion leaves doubt: nobody knows what the bank did.
-- KEYS grant, consent (which counts leases, so that numbers never repeat)
-- ARGV version seen, owner, lease in ms
local g = redis.call('HMGET', KEYS[1], 'version', 'lease', 'owner', 'until', 'rest', 'open', 'doubt', 'bank', 'cid',
  'access', 'refresh', 'exp', 'iat', 'scopes')
if not g[1] or redis.call('EXISTS', KEYS[2]) == 0 then return {'GONE'} end
if g[1] ~= ARGV[1] then return {'NEWER'} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease, doubt = g[2], g[7] or '0'
if tonumber(g[4] or '0') > now then
  if g[3] ~= ARGV[2] then return {'BUSY', string.format('%d', tonumber(g[4]) - now)} end
else
  if tonumber(g[5] or '0') > now then return {'RESTING', string.format('%d', tonumber(g[5]) - now)} end
  if g[6] == '1' then doubt = '1' end
  lease = string.format('%d', redis.call('HINCRBY', KEYS[2], 'lease', 1))
  redis.call('HSET', KEYS[1], 'lease', lease, 'owner', ARGV[2], 'until', string.format('%d', now + tonumber(ARGV[3])),
    'open', '1', 'doubt', doubt)
end
return {'OK', lease, g[1], doubt, g[8], g[9], g[10], g[11] or '', g[12], g[13], g[14]}
