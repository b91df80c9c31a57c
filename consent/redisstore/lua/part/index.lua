-- Keeps the books: of each state a list by end and a list by change for an app
-- at a bank, for the app, for the bank, and for all, so that whatever is asked
-- for is one list; and counters. What a consent is entered under stands in its
-- record, so that a repetition changes nothing; entries of an older epoch were
-- thrown away by a rebuild.
local function statesOf(r)
  if r[3] ~= 'valid' then return r[3] end
  if r[6] and r[5] == r[6] then return 'expired' end
  local states = 'valid'
  if r[7] == '1' then states = states .. ',failing' end
  if tonumber(r[8] or '0') > tonumber(r[4] or '0') then states = states .. ',short' end
  return states
end

local function count(counters, field, n)
  if redis.call('HINCRBY', counters, field, n) == 0 then redis.call('HDEL', counters, field) end
end

local function book(tag, r, id, states, score, changed, n)
  for state in string.gmatch(states, '[^,]+') do
    for _, whose in ipairs({r[1] .. ':' .. r[2], r[1] .. ':', ':' .. r[2], ':'}) do
      local list = whose .. ':' .. state
      if n > 0 then
        redis.call('ZADD', tag .. 'ends:' .. list, score, id)
        redis.call('ZADD', tag .. 'changed:' .. list, changed, id)
      else
        redis.call('ZREM', tag .. 'ends:' .. list, id)
        redis.call('ZREM', tag .. 'changed:' .. list, id)
      end
    end
    count(tag .. 'counts', r[1] .. ' ' .. r[2] .. ' ' .. state, n)
    if state == 'valid' then count(tag .. 'lapses', string.format('%d', math.floor(score / 86400000)), n) end
  end
end

local function strike(tag, r, id, epoch)
  local at, states, score = string.match(r[9] or '', '^(%S+) (%S+) (%S+)$')
  if at == epoch then book(tag, r, id, states, score, '', -1) end
end

local function recordOf(key)
  local tag, id = string.match(key, '^({.-}:)consent:(.+)$')
  local r = redis.call('HMGET', key, 'app', 'bank', 'status', 'ends', 'term', 'lapsed', 'failing', 'needed', 'ix', 'changed', 'created')
  return tag, id, r, redis.call('HGET', tag .. 'counts', 'epoch') or '0'
end

-- Enters a consent at the end of a script that changed its record, at the time
-- at; '' when it is nothing that anybody looks for.
local function index(key, at)
  local tag, id, r, epoch = recordOf(key)
  local states, score, changed = statesOf(r), r[4] or '-' .. (r[11] or '0'), r[10]
  if not changed or (at ~= '' and tonumber(at) > tonumber(changed)) then
    changed = at
    if at == '' then
      local old = redis.call('HMGET', key, 'authorized', 'ended')
      changed = string.format('%d', math.max(tonumber(r[11] or '0'), tonumber(old[1] or '0'), tonumber(old[2] or '0')))
    end
  end
  local ix = epoch .. ' ' .. states .. ' ' .. score
  if ix == r[9] and changed == r[10] then return end
  strike(tag, r, id, epoch)
  book(tag, r, id, states, score, changed, 1)
  redis.call('HSET', key, 'ix', ix, 'changed', changed)
end

-- Strikes out a consent whose record is about to go.
local function unindex(key)
  local tag, id, r, epoch = recordOf(key)
  strike(tag, r, id, epoch)
end
