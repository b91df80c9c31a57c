-- Finishes or postpones a claimed task, unless it was moved since.
-- KEYS due
-- ARGV name, claimed until, postponed to (empty: finished)
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 'OK' end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
  return 'OK'
end
redis.call('ZREM', KEYS[1], ARGV[1])
untell(KEYS[1], ARGV[1])
return 'OK'
