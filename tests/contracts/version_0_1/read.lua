-- As version 0.1 ran it: the files identity, notice, trust and read of its last commit, one after the other.
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
-- Reads one page of a mailbox's list and writes nothing. trust.lua, with the keys, comes before this file.
--
-- ARGV[3]  since_us: return entries with a greater timestamp_us
-- ARGV[4]  the most entries to return; the oldest are returned
--
-- Returns {'untrusted', why}           push.lua will find this too, and ask for a rebuild
--      or {'damaged', which}           push.lua will not find this: delete the head record
--      or {'page', newest_us, pushes, seq, first, entries}   entries newest first, without a gap
--
-- KEYS[3]  pushes: see notice.lua

local since_us, most = tonumber(ARGV[3]), tonumber(ARGV[4])

local function page(entries)
  local pushes = tonumber(redis.pcall('GET', KEYS[3])) or 0 -- of the wrong type, it counts as lost
  return {'page', newest_us, pushes, seq, first, entries}
end

local why = distrust()
if why then return {'untrusted', why} end
if newest_us <= since_us then return page({}) end

-- Timestamps fall with the index: binary search, until `at` is the oldest entry after the cursor.
local at, beyond = 0, seq - first + 1
while beyond - at > 1 do
  local middle = math.floor((at + beyond) / 2)
  local entry_seq, entry_us = place_of(redis.call('LINDEX', list, middle))
  if entry_seq ~= seq - middle then return {'damaged', 'entry ' .. (seq - middle)} end
  if entry_us > since_us then at = middle else beyond = middle end
end
return page(redis.call('LRANGE', list, math.max(0, at - most + 1), at))
