-- Adds a contiguous batch to a mailbox's list, or replaces the list. notice.lua and trust.lua, with the keys, come before
-- this file.
--
-- ARGV[3]  the claim that was returned before the store was read, or empty
-- ARGV[4]  a new random value, in case a claim must be made. It must differ from ARGV[3]: other workers may hold that
--          claim, with windows that were read before the next loss of the list.
-- ARGV[5]  the most entries of a list
-- ARGV[6]  TTL in milliseconds
-- ARGV[7]  seq of the batch's first message
-- ARGV[8]  timestamp_us of the batch's last message
-- ARGV[9…] the entries, oldest first; none for an empty mailbox
--
-- Returns {'accepted', seq}       the list is the mailbox up to seq; if there is a gap, nothing was added
--      or {'rebuild', claim, why} the list cannot be trusted: read the store, then push its window with this claim
-- Publishes a notice whenever the list has changed.

local claim, new_claim, limit, ttl_ms = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local batch_first, last_us, before_entries = tonumber(ARGV[7]), ARGV[8], 8
local count = #ARGV - before_entries
local batch_last = batch_first + count - 1

local function write(from_seq)
  for entry_seq = from_seq, batch_last do
    redis.call('LPUSH', list, ARGV[before_entries + entry_seq - batch_first + 1])
  end
  redis.call('LTRIM', list, 0, limit - 1)
  redis.call('HSET', head, 'writer', writer, 'seq', batch_last, 'timestamp_us', last_us,
    'first', batch_last - redis.call('LLEN', list) + 1)
  redis.call('PEXPIRE', list, ttl_ms)
  redis.call('PEXPIRE', head, ttl_ms)
  notify(string.sub(list, #'messages:' + 1))
end

-- A claim is valid only in the process that made it: a snapshot may contain an old one.
local function ask_to_rebuild(why)
  local claimed = redis.call('HMGET', head, 'claim', 'claim_writer')
  if not claimed[1] or claimed[2] ~= writer then
    redis.call('DEL', list, head)
    redis.call('HSET', head, 'claim', new_claim, 'claim_writer', writer)
    redis.call('PEXPIRE', head, ttl_ms)
    claimed[1] = new_claim
  end
  return {'rebuild', claimed[1], why}
end

local why = distrust()
if why then
  if string.find(why, 'wrong type') then redis.call('DEL', list, head) end
  -- A worker with this claim has read the store after the list was lost, so its window has everything that was pushed
  -- before. A worker without it may have read the store before the loss, and its window would hide later messages.
  local claimed = redis.call('HMGET', head, 'claim', 'claim_writer')
  if claimed[1] ~= claim or claimed[2] ~= writer then return ask_to_rebuild(why) end
  redis.call('DEL', list, head)
  write(math.max(batch_first, batch_last - limit + 1))
  return {'accepted', batch_last}
end

if count == 0 or batch_first > seq + 1 then return {'accepted', seq} end
-- Skip what the list has already, if it is the same. It differs after the store was restored from a backup.
local overlap = math.min(batch_last, seq)
if overlap >= math.max(batch_first, first) then
  local held = redis.call('LINDEX', list, seq - overlap)
  if held ~= ARGV[before_entries + overlap - batch_first + 1] then
    return ask_to_rebuild(string.sub(held, 1, 1) == '{' and 'written by version 0.1' or 'list differs from the store')
  end
end
if batch_last > seq then write(seq + 1) end
return {'accepted', math.max(batch_last, seq)}
