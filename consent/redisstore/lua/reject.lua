-- Gives a consent that is not valid another status; a valid or ended one, and
-- one that was granted and waits to be confirmed, only gets a line in its
-- timeline.
-- KEYS consent, timeline, due
-- ARGV status, granted, actor, code, at, work, origin
local c = redis.call('HMGET', KEYS[1], 'status', 'refused_at', 'confirm_until')
if not c[1] then return 'NOTFOUND' end
if c[2] == ARGV[5] then return 'OK' end
redis.call('HSET', KEYS[1], 'refused_at', ARGV[5])
local event = 'refused'
local waits = c[3] and tonumber(c[3]) > tonumber(ARGV[5])
if not waits and (c[1] == 'received' or c[1] == 'rejected' or c[1] == 'partiallyAuthorised') then
  event = ARGV[1]
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  redis.call('HSET', KEYS[1], 'status', ARGV[1], 'granted', ARGV[2], 'cause_actor', ARGV[3], 'cause_code', ARGV[4])
  schedule(KEYS[3], 6)
  index(KEYS[1], ARGV[5])
end
line(KEYS[2], ARGV[5], ARGV[3], event, ARGV[4])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 'OK'
