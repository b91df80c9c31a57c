-- Stores a grant and makes its consent what the caller decided, in place of
-- whatever grant there was, which is kept aside if the bank is to be told
-- that it is over. Takes a fencing number, so that a refresh of the replaced
-- grant which is still at the bank cannot write over this one.
-- KEYS consent, grant, timeline, due, grants aside, refused grant
-- ARGV expected version, status, authorized, ends, granted, text version,
--      personal, confirm hash, confirm until, commit id, access, refresh, exp,
--      iat, scopes, event, id, purge at, grant purge at, index of the national
--      id, index of the subject, whether to keep the replaced grant, work, origin
local c = redis.call('HMGET', KEYS[1], 'version', 'status', 'bank', 'needed')
if not c[1] then return 'NOTFOUND' end
if redis.call('HGET', KEYS[1], 'activated') == ARGV[10] then return 'OK' end
if c[1] ~= ARGV[1] or c[2] == 'revokedByPsu' or c[2] == 'terminatedByTpp' then return 'CONFLICT' end

if ARGV[22] == '1' then
  for _, replaced in ipairs({KEYS[2], KEYS[6]}) do aside(replaced, KEYS[5], KEYS[4], ARGV[17], c[3], ARGV[3], ARGV[18]) end
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HINCRBY', KEYS[1], 'term', 1)
redis.call('HSET', KEYS[1], 'status', ARGV[2], 'authorized', ARGV[3], 'ends', ARGV[4], 'granted', ARGV[5],
  'text', ARGV[6], 'personal', ARGV[7], 'activated', ARGV[10])
redis.call('HDEL', KEYS[1], 'cause_actor', 'cause_code', 'ended', 'confirm_hash', 'confirm_until', 'dead_lease', 'told_bank', 'ended_grant', 'failing')
if c[4] and tonumber(c[4]) <= tonumber(ARGV[4]) then redis.call('HDEL', KEYS[1], 'needed') end
if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'confirm_hash', ARGV[8], 'confirm_until', ARGV[9]) end

local lease = redis.call('HINCRBY', KEYS[1], 'lease', 1)
redis.call('DEL', KEYS[2], KEYS[6])
redis.call('HSET', KEYS[2], 'version', redis.call('HINCRBY', KEYS[1], 'generation', 1), 'lease', lease,
  'committed', lease, 'bank', c[3], 'cid', ARGV[10], 'access', ARGV[11], 'exp', ARGV[13], 'iat', ARGV[14],
  'scopes', ARGV[15])
if ARGV[12] ~= '' then redis.call('HSET', KEYS[2], 'refresh', ARGV[12]) end
redis.call('PEXPIREAT', KEYS[2], ARGV[19])

hold(KEYS[1], 'person', ARGV[20], ARGV[3])
hold(KEYS[1], 'subject', ARGV[21], ARGV[3])
line(KEYS[3], ARGV[3], 'customer', ARGV[16], ARGV[6])
keep(KEYS[1], ARGV[18])
schedule(KEYS[4], 23)
index(KEYS[1], ARGV[3])
return 'OK'
