-- Says whether a claimed delivery is the first of its consent in its channel.
-- If not, it waits until the one ahead is gone, or is looked at again itself.
-- KEYS due
-- ARGV task, claimed until, looked at again at the earliest
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0') ~= tonumber(ARGV[2]) then return {'MOVED'} end
local id, what = deliveryOf(ARGV[1])
local lines = linesOf(KEYS[1], id)
local i = lineOf(lines, what)
if not i then return {'TURN'} end
local k, ahead, due
repeat
  k = lineAhead(lines, i)
  if not k then
    lines[i] = what
    keepLines(KEYS[1], id, lines)
    return {'TURN'}
  end
  ahead = 'deliver ' .. id .. ' ' .. plain(lines[k])
  due = redis.call('ZSCORE', KEYS[1], ahead)
  if not due then -- settled by a replica that knew no order
    table.remove(lines, k)
    i = i - 1
  end
until due
local again = ARGV[3]
if tonumber(due) > tonumber(again) then again = string.format('%d', due) end
redis.call('ZADD', KEYS[1], again, ARGV[1])
lines[i] = '~' .. again .. ' ' .. what
keepLines(KEYS[1], id, lines)
return {'WAIT', ahead, string.format('%d', due)}
