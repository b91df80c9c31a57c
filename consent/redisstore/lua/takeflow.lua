-- Takes an authorization, once.
-- KEYS flow
if redis.call('EXISTS', KEYS[1]) == 0 then return 'GONE' end
if redis.call('HSETNX', KEYS[1], 'taken', '1') == 0 then return 'TAKEN' end
return 'OK'
