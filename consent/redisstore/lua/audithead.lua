-- Reads the newest entry's number and hash.
-- KEYS entries, head
local seq, hash = newest(KEYS[1], KEYS[2])
return {seq, hash}
