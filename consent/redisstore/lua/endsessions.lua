-- Remembers when somebody's sessions were ended all at once: the latest time.
-- KEYS ended
-- ARGV at, kept for, in ms
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 'OK'
