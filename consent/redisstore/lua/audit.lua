-- Adds an entry to the audit chain, behind the head that it was made for. The
-- same entry again is no error, whatever was added since.
-- KEYS entries, head
-- ARGV number, hash of the entry before, body, hash
local id = ARGV[1] .. '-0'
local seq, hash = newest(KEYS[1], KEYS[2])
if tonumber(seq) + 1 == tonumber(ARGV[1]) and hash == ARGV[2] then
  local added = redis.pcall('XADD', KEYS[1], id, 'body', ARGV[3], 'hash', ARGV[4])
  if type(added) == 'table' and added.err then return 'BROKEN' end
  redis.call('HSET', KEYS[2], 'seq', ARGV[1], 'hash', ARGV[4])
  return 'OK'
end
local there = redis.call('XRANGE', KEYS[1], id, id)[1]
if there then
  for i = 1, #there[2], 2 do
    if there[2][i] == 'hash' and there[2][i + 1] == ARGV[4] then return 'OK' end
  end
end
return 'MOVED'
