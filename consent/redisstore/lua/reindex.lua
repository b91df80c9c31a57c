-- Enters a consent in the books as its record says, and under whom it belongs
-- to, unless it was changed since that was found out.
-- KEYS consent
-- ARGV version, index of the national id, index of the subject
local c = redis.call('HMGET', KEYS[1], 'version', 'authorized')
if not c[1] then return 'NOTFOUND' end
index(KEYS[1], '')
if c[1] == ARGV[1] and c[2] then
  hold(KEYS[1], 'person', ARGV[2], c[2])
  hold(KEYS[1], 'subject', ARGV[3], c[2])
end
return 'OK'
