-- Adds and removes tasks.
-- KEYS due
-- ARGV work
schedule(KEYS[1], 1)
return 'OK'
