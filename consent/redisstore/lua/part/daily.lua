-- Names the key of a kind and a day in the slot of another key.
local function daily(key, kind, at)
  return string.match(key, '^{.-}:') .. kind .. string.format(':%d', math.floor(at / 86400000))
end
