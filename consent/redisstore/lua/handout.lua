-- Decides whether an app gets the access token now, and puts the decision on
-- record. The one round trip of the hot path.
-- KEYS consent, grant, hand-outs, daily counts, requests for what is not there,
--      the day's counters, the day's requests, due
-- ARGV id, app, request id, now, least life in ms, needed until (0: no matter),
--      wanted scopes, day, length of the hand-outs stream,
--      how long a request id finds its consents, in ms,
--      how many of an app's hand-outs a day are found by it
local c = redis.call('HMGET', KEYS[1], 'app', 'status', 'cause_actor', 'cause_code', 'bank', 'ends', 'granted', 'confirm_until',
  'needed', 'term')
local now = tonumber(ARGV[4])

local function record(outcome)
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[9], '*', 'at', ARGV[4], 'consent', ARGV[1], 'app', ARGV[2],
    'request', ARGV[3], 'outcome', outcome)
  local n = tally(KEYS[6], (outcome == 'allowed' and 'allowed ' or 'denied ') .. ARGV[2], now)
  if n <= tonumber(ARGV[11]) then trace(KEYS[7], ARGV[1], ARGV[3], now, ARGV[10]) end
end
local function deny(outcome)
  record(outcome)
  if c[2] == 'terminatedByAspsp' then redis.call('HSET', KEYS[1], 'heard', '1') end
  return {outcome, c[5], c[2], c[3], c[4], c[6], c[7]}
end
-- The latest moment beyond the end is kept, and everybody is told once a term.
local function short()
  if tonumber(ARGV[6]) > tonumber(c[9] or '0') then
    redis.call('HSET', KEYS[1], 'needed', ARGV[6])
    index(KEYS[1], ARGV[4])
  end
  if redis.call('HSETNX', KEYS[1], 'warned:' .. c[10] .. ':needed', '1') == 0 then return end
  local told = 'deliver ' .. ARGV[1] .. ' all needed ' .. c[10]
  redis.call('ZADD', KEYS[8], ARGV[4], told)
  tell(KEYS[8], told)
end
local function covers(have, want)
  for scope in string.gmatch(want, '%S+') do
    if not string.find(' ' .. have .. ' ', ' ' .. scope .. ' ', 1, true) then return false end
  end
  return true
end

if not c[1] or c[1] ~= ARGV[2] then
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', 1000, '*', 'at', ARGV[4], 'consent', ARGV[1], 'app', ARGV[2],
    'request', ARGV[3], 'outcome', 'not-found')
  return {'not-found'}
end
local status = c[2]
if status == 'received' then
  if c[8] and tonumber(c[8]) > now then return deny('confirmation-required') end
  return deny('consent-pending')
elseif status == 'rejected' then
  return deny('consent-rejected')
elseif status == 'partiallyAuthorised' then
  return deny('insufficient-scope')
elseif status == 'terminatedByAspsp' and c[4] ~= 'refused' then
  return deny('renewal-required')
elseif status ~= 'valid' then
  return deny('consent-revoked')
elseif now >= tonumber(c[6]) then
  return deny('consent-expired')
elseif tonumber(ARGV[6]) > tonumber(c[6]) then
  short()
  return deny('renewal-required')
end

local g = redis.call('HMGET', KEYS[2], 'version', 'cid', 'access', 'exp', 'iat', 'scopes', 'until', 'rest')
if not g[1] then return deny('renewal-required') end
g[9] = tostring(redis.call('HEXISTS', KEYS[2], 'refresh'))
if not covers(g[6], ARGV[7]) then
  c[7] = g[6]
  return deny('insufficient-scope')
end

local stale = tonumber(g[4]) - now < tonumber(ARGV[5])
if stale and g[9] ~= '1' then return deny('renewal-required') end

local outcome = 'allowed'
local t = redis.call('TIME')
local clock = t[1] * 1000 + math.floor(t[2] / 1000)
local resting = '0'
if math.max(tonumber(g[7] or '0'), tonumber(g[8] or '0')) > clock then resting = '1' end
if stale then
  outcome = 'stale'
else
  record('allowed')
  redis.call('HSET', KEYS[1], 'used', ARGV[4])
  if redis.call('HINCRBY', KEYS[4], ARGV[8], 1) == 1 then
    redis.call('PEXPIRE', KEYS[4], redis.call('PTTL', KEYS[1]))
  end
end
return {outcome, c[5], status, c[3], c[4], c[6], c[7], g[1], g[2], g[3], g[4], g[5], g[6], resting}
