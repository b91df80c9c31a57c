-- Enters a consent under whom it belongs to: kind is person, for the index of a
-- national id, or subject, for that of a bank's own name for the customer. What
-- it is entered under stands in its record, so that another takes its place and
-- purging finds it. '' leaves it under whom it is, at the new score: its score
-- is the same in each list, so that pages of several lists show it once.
local function hold(key, kind, index, score)
  local tag, id = string.match(key, '^({.-}:)consent:(.+)$')
  local list = tag .. 'by:' .. kind .. ':'
  local before = redis.call('HGET', key, 'by_' .. kind)
  if index == '' then index = before or '' end
  if index == '' then return end
  if before and before ~= index then redis.call('ZREM', list .. before, id) end
  redis.call('HSET', key, 'by_' .. kind, index)
  redis.call('ZADD', list .. index, score, id)
end

-- Strikes out a consent whose record is about to go.
local function unhold(key)
  local tag, id = string.match(key, '^({.-}:)consent:(.+)$')
  for _, kind in ipairs({'person', 'subject'}) do
    local index = redis.call('HGET', key, 'by_' .. kind)
    if index then redis.call('ZREM', tag .. 'by:' .. kind .. ':' .. index, id) end
  end
end
