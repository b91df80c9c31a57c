-- Turns a customer's reminders off or on, of a consent and of those to come.
-- As it was already, nothing changes.
-- KEYS consent, timeline, the customer's reminders
-- ARGV '1' for off, at, event
if redis.call('EXISTS', KEYS[1]) == 0 then return 'NOTFOUND' end
if ARGV[1] == '1' then redis.call('SET', KEYS[3], 'off') else redis.call('DEL', KEYS[3]) end
if (redis.call('HGET', KEYS[1], 'no_reminders') or '0') == ARGV[1] then return 'OK' end
redis.call('HSET', KEYS[1], 'no_reminders', ARGV[1])
redis.call('XADD', KEYS[2], '*', 'at', ARGV[2], 'actor', 'customer', 'event', ARGV[3], 'detail', '')
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 'OK'
