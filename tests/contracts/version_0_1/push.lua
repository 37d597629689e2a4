-- As version 0.1 ran it: the files identity, notice, trust and push of its last commit, one after the other.
-- The first part of every script: which Redis this is. If two servers were used in turn, each may have lists that
-- lack what was pushed to the other.
--
-- run_id         identifies the process: another process may have loaded an old snapshot
-- master_replid  identifies its term as a primary: it changes with every promotion
--
-- Replicas have their primary's master_replid, but never its run_id. Neither shows that the network led to another
-- Redis for a while; the epoch does: see trust.lua.

local function identity(server, replication)
  local run_id, replid = string.match(server, 'run_id:(%w+)'), string.match(replication, 'master_replid:(%w+)')
  return run_id and replid and run_id .. ' ' .. replid
end
-- Tells every worker that a mailbox's list has changed. Used by push.lua.
--
-- KEYS[3]  pushes  string: how many notices were published: a worker that misses one can see it, see
--                  known_heads.py. It lives for a day after the last notice.
--
-- Publishes the count and the username on the channel mailboxes: "42 bob".

local pushes = KEYS[3]

local function notify(username)
  local count = redis.pcall('INCR', pushes)
  if type(count) == 'table' then -- another client has damaged it
    redis.call('DEL', pushes)
    count = redis.call('INCR', pushes)
  end
  redis.call('PEXPIRE', pushes, 86400000)
  redis.call('PUBLISH', 'mailboxes', count .. ' ' .. username)
end
-- The second part of push.lua and read.lua: the keys of one mailbox, and whether its list can be trusted.
--
-- KEYS[1]  messages:{recipient}  list: the mailbox's last messages as JSON, newest first. Each entry starts with
--                                {"seq":42,"timestamp_us":1767268800123456, and the seqs have no gap.
-- KEYS[2]  head:{recipient}      hash: what the list contains
--            writer        where it was written: identity and epoch of the Redis
--            seq, timestamp_us   of the newest message of the mailbox; both 0 for an empty mailbox
--            first         seq of the oldest entry; seq + 1 for an empty list
--          or, while the list must be rebuilt:
--            claim         random; a worker that read the store after it was set may replace the list
--            claim_writer  where it was made
-- Both keys get the same TTL with every write.
--
-- ARGV[1]  the identity of the Redis that the caller believes to be in use
-- ARGV[2]  its epoch, which changes whenever another Redis was in use
--
-- Returns {'stranger', identity} if this is another Redis: the caller must look up its epoch first.

local list, head = KEYS[1], KEYS[2]
local here = identity(redis.call('INFO', 'server'), redis.call('INFO', 'replication'))
if here ~= ARGV[1] then return {'stranger', here} end
local writer = ARGV[1] .. ' ' .. ARGV[2]
local seq, first, newest_us

local function place_of(entry)
  local entry_seq, entry_us = string.match(entry or '', '^{"seq":(%d+),"timestamp_us":(%d+),')
  return tonumber(entry_seq), tonumber(entry_us)
end

-- Returns why the list cannot be trusted, or nil; sets seq, first and newest_us.
-- A list from an old snapshot matches its head record, but both were written by another process.
local function distrust()
  local list_type, head_type = redis.call('TYPE', list).ok, redis.call('TYPE', head).ok
  if list_type ~= 'list' and list_type ~= 'none' then return 'messages key has the wrong type' end
  if head_type ~= 'hash' and head_type ~= 'none' then return 'head key has the wrong type' end
  local record = redis.call('HMGET', head, 'writer', 'seq', 'first', 'timestamp_us')
  if not record[1] then return 'cold' end
  if record[1] ~= writer then return 'written before another Redis was in use' end
  seq, first, newest_us = tonumber(record[2]), tonumber(record[3]), tonumber(record[4])
  if not (seq and first and newest_us) then return 'head record is damaged' end
  local length = redis.call('LLEN', list)
  if length ~= seq - first + 1 then return 'list has ' .. length .. ' entries, not ' .. (seq - first + 1) end
  if length > 0 and place_of(redis.call('LINDEX', list, 0)) ~= seq then return 'newest entry is damaged' end
  return nil
end
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
if overlap >= math.max(batch_first, first)
  and redis.call('LINDEX', list, seq - overlap) ~= ARGV[before_entries + overlap - batch_first + 1] then
  return ask_to_rebuild('list differs from the store')
end
if batch_last > seq then write(seq + 1) end
return {'accepted', math.max(batch_last, seq)}
