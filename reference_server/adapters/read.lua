-- Reads one page of a mailbox's list and writes nothing. trust.lua, with the keys, comes before this file.
--
-- ARGV[3]  since_us: return entries with a greater timestamp_us
-- ARGV[4]  the most entries to return; the oldest are returned
--
-- Returns {'untrusted', why}           push.lua will find this too, and ask for a rebuild
--      or {'damaged', which}           push.lua will not find this: delete the head record
--      or {'page', newest_us, pushes, seq, first, entries}   a JSON array of entries, oldest first, without a gap
--
-- KEYS[3]  pushes: see notice.lua. Without it, pushes is 0.

local since_us, most = tonumber(ARGV[3]), tonumber(ARGV[4])

local function page(entries)
  local pushes = KEYS[3] and tonumber(redis.pcall('GET', KEYS[3])) or 0 -- of the wrong type, it counts as lost
  return {'page', newest_us, pushes, seq, first, entries}
end

local why = distrust()
if why then return {'untrusted', why} end
if newest_us <= since_us then return page('[]') end

-- Timestamps fall with the index: binary search, until `at` is the oldest entry after the cursor.
local at, beyond = 0, seq - first + 1
while beyond - at > 1 do
  local middle = math.floor((at + beyond) / 2)
  local entry_seq, entry_us = place_of(redis.call('LINDEX', list, middle))
  if entry_seq ~= seq - middle then return {'damaged', 'entry ' .. (seq - middle)} end
  if entry_us > since_us then at = middle else beyond = middle end
end
local entries, oldest_first = redis.call('LRANGE', list, math.max(0, at - most + 1), at), {}
for index = #entries, 1, -1 do
  local entry_seq = seq - at + #entries - index
  if place_of(entries[index]) ~= entry_seq then return {'damaged', 'entry ' .. entry_seq} end
  oldest_first[#oldest_first + 1] = entries[index]
end
return page('[' .. table.concat(oldest_first, ',') .. ']')
