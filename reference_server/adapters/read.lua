-- Reads one page of a mailbox's list and writes nothing. Keys: see trust.lua, which stands before this.
--
-- ARGV[3]  since_us: give entries with a greater timestamp_us
-- ARGV[4]  most entries to give, the oldest first choice
--
-- Answers {'untrusted', why}           push.lua will see it too, and ask to rebuild
--      or {'damaged', which}           it will not: take the list's head away
--      or {'page', seq, first, entries}   entries newest first, without a hole

local since_us, most = tonumber(ARGV[3]), tonumber(ARGV[4])

local why = distrust()
if why then return {'untrusted', why} end
if newest_us <= since_us then return {'page', seq, first, {}} end

-- The timestamps fall with the index: halve the range until `at` is the oldest entry behind the cursor.
local at, beyond = 0, seq - first + 1
while beyond - at > 1 do
  local middle = math.floor((at + beyond) / 2)
  local entry_seq, entry_us = place_of(redis.call('LINDEX', list, middle))
  if entry_seq ~= seq - middle then return {'damaged', 'entry ' .. (seq - middle)} end
  if entry_us > since_us then at = middle else beyond = middle end
end
return {'page', seq, first, redis.call('LRANGE', list, math.max(0, at - most + 1), at)}
