-- Has a record and what hangs on it outlive a purge that was put off.
-- KEYS consent
-- ARGV expected version, purge at
local version = redis.call('HGET', KEYS[1], 'version')
if not version then return 'NOTFOUND' end
if version ~= ARGV[1] then return 'CONFLICT' end
keep(KEYS[1], ARGV[2])
return 'OK'
