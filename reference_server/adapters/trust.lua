-- The second part of push.lua and read.lua: the keys of one mailbox, and whether its list can be trusted.
--
-- KEYS[1]  messages:{recipient}  list: the mailbox's last messages, newest first. Each entry is a JSON array that
--                                starts with seq and timestamp_us: [42,1767268800123456, and the seqs have no gap.
--                                Version 0.1 wrote objects: {"seq":42,"timestamp_us":1767268800123456,
-- KEYS[2]  head:{recipient}      hash: what the list contains. Its name in a cluster: see cluster_keys.py.
--            writer        where it was written: identity and epoch of the Redis
--            seq, timestamp_us   of the newest message of the mailbox; both 0 for an empty mailbox
--            first         seq of the oldest entry; seq + 1 for an empty list
--            format        absent. A later version that writes entries or a record which this one could misread sets it
--                          to a number above FORMAT, and its lists are rebuilt here. It reads lists without it.
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
local replication = redis.call('INFO', 'replication')
-- A replica may still be a worker's primary, as before a failover. It is not to be used, even if it could be written.
if string.find(replication, 'role:slave', 1, true) then return redis.error_reply('READONLY This Redis is a replica') end
local here = identity(redis.call('INFO', 'server'), replication)
if here ~= ARGV[1] then return {'stranger', here} end
local writer = ARGV[1] .. ' ' .. ARGV[2]
local FORMAT = 1
local seq, first, newest_us

local function place_of(entry)
  local entry_seq, entry_us = string.match(entry or '', '^%[(%d+),(%d+),')
  if not entry_seq then entry_seq, entry_us = string.match(entry or '', '^{"seq":(%d+),"timestamp_us":(%d+),') end
  return tonumber(entry_seq), tonumber(entry_us)
end

-- Returns why the list cannot be trusted, or nil; sets seq, first and newest_us.
-- A list from an old snapshot matches its head record, but both were written by another process.
local function distrust()
  local list_type, head_type = redis.call('TYPE', list).ok, redis.call('TYPE', head).ok
  if list_type ~= 'list' and list_type ~= 'none' then return 'messages key has the wrong type' end
  if head_type ~= 'hash' and head_type ~= 'none' then return 'head key has the wrong type' end
  local record = redis.call('HMGET', head, 'writer', 'seq', 'first', 'timestamp_us', 'format')
  if not record[1] then return 'cold' end
  if record[5] and (tonumber(record[5]) or FORMAT + 1) > FORMAT then return 'written by a later version' end
  if record[1] ~= writer then return 'written before another Redis was in use' end
  seq, first, newest_us = tonumber(record[2]), tonumber(record[3]), tonumber(record[4])
  if not (seq and first and newest_us) then return 'head record is damaged' end
  local length = redis.call('LLEN', list)
  if length ~= seq - first + 1 then return 'list has ' .. length .. ' entries, not ' .. (seq - first + 1) end
  if length > 0 and place_of(redis.call('LINDEX', list, 0)) ~= seq then return 'newest entry is damaged' end
  return nil
end
