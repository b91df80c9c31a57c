-- Takes an authorization for one taker, who may ask again.
-- KEYS flow
-- ARGV taker
if redis.call('EXISTS', KEYS[1]) == 0 then return 'GONE' end
if redis.call('HSETNX', KEYS[1], 'taken', ARGV[1]) == 1 then return 'OK' end
if redis.call('HGET', KEYS[1], 'taken') == ARGV[1] then return 'OK' end
return 'TAKEN'
