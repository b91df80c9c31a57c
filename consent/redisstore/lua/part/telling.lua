-- What a consent has to tell, in the order in which it happened: a line for
-- each delivery in the due set, in the consent's field of the hash beside it.
-- A line with "~", a time and a space before it waits until then for one of the
-- same channel above it, unless it was claimed since.
local function linesOf(due, id)
  local lines = {}
  local text = redis.call('HGET', string.gsub(due, 'due$', 'telling'), id) or ''
  for line in string.gmatch(text, '[^\n]+') do lines[#lines + 1] = line end
  return lines
end
local function keepLines(due, id, lines)
  local key = string.gsub(due, 'due$', 'telling')
  if #lines == 0 then redis.call('HDEL', key, id) else redis.call('HSET', key, id, table.concat(lines, '\n')) end
end
local function plain(line) return (string.gsub(line, '^~%d+ ', '')) end
local function lineAhead(lines, i)
  local channel = string.match(plain(lines[i]), '^%S+')
  for k = 1, i - 1 do
    if string.match(plain(lines[k]), '^%S+') == channel then return k end
  end
end
local function lineOf(lines, what)
  for i, line in ipairs(lines) do
    if plain(line) == what then return i end
  end
end
local function deliveryOf(name) return string.match(name, '^deliver (%S+) (.+)$') end

-- Adds a delivery that is in the due set now, at the end.
local function tell(due, name)
  local id, what = deliveryOf(name)
  if not id then return end
  local lines = linesOf(due, id)
  if lineOf(lines, what) then return end
  lines[#lines + 1] = what
  keepLines(due, id, lines)
end

-- Takes out a delivery that is no longer in the due set, and makes due at once
-- what waited for it alone.
local function untell(due, name)
  local id, what = deliveryOf(name)
  if not id then return end
  local lines = linesOf(due, id)
  local i = lineOf(lines, what)
  if not i then return end
  table.remove(lines, i)
  for k, line in ipairs(lines) do
    local waits = string.match(line, '^~(%d+) ')
    if waits and not lineAhead(lines, k) then
      lines[k] = plain(line)
      local task = 'deliver ' .. id .. ' ' .. lines[k]
      if tonumber(redis.call('ZSCORE', due, task) or '0') == tonumber(waits) then redis.call('ZADD', due, 1, task) end
    end
  end
  keepLines(due, id, lines)
end
