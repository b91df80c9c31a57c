-- Puts a transition's work into the due set, from ARGV[i] on: how many tasks
-- to add, each with its time, and how many to remove. Says where it ends.
local function schedule(due, i)
  local n = tonumber(ARGV[i])
  for k = 1, n do
    redis.call('ZADD', due, ARGV[i + 2 * k - 1], ARGV[i + 2 * k])
    tell(due, ARGV[i + 2 * k])
  end
  i = i + 2 * n + 1
  for k = 1, tonumber(ARGV[i]) do
    redis.call('ZREM', due, ARGV[i + k])
    untell(due, ARGV[i + k])
  end
  return i + tonumber(ARGV[i]) + 1
end
