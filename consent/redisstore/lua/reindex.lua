-- Enters a consent in the books as its record says.
-- KEYS consent
if redis.call('EXISTS', KEYS[1]) == 0 then return 'NOTFOUND' end
index(KEYS[1], '')
return 'OK'
