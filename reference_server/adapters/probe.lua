-- Tries every command that push.lua, read.lua and the queue use, on the keys of an empty username. Leaves no data there,
-- and publishes a counted notice without a username: see notice.lua.
-- identity.lua comes before this file.
--
-- KEYS[1]  messages:   KEYS[2]  head:   KEYS[3]  pushes
--          In a cluster, keys of a slot of this node, and no KEYS[3].
--
-- Returns {'identity', identity, count}   all commands work; with the identity of this Redis, and the notice's count
--      or {'denied', command, …}     this user may not run these commands
-- Fails with the error of the first command that is allowed but does not work: read-only, out of memory.

local list, head, pushes = KEYS[1], KEYS[2], KEYS[3]
local answer, failure = {'denied'}, nil

local function is_denial(why)
  return string.find(why, 'ermission') or string.find(why, "can't run") or string.find(why, "can't access")
    or string.find(why, 'nknown')
end

local function try(name, ...)
  local result = redis.pcall(name, ...)
  if type(result) ~= 'table' or not result.err then return result end
  if not is_denial(result.err) then
    failure = failure or result
  elseif answer[#answer] ~= name then
    answer[#answer + 1] = name
  end
  return ''
end

local server, replication = try('INFO', 'server'), try('INFO', 'replication')
try('LPUSH', list, 'probe')
try('LTRIM', list, 0, 0)
try('HSET', head, 'seq', 0)
try('PEXPIRE', list, 1000)
try('PEXPIRE', head, 1000)
try('TYPE', list)
try('HMGET', head, 'seq')
try('LLEN', list)
try('LINDEX', list, 0)
try('LRANGE', list, 0, 0)
local count = 0
if pushes then
  try('GET', pushes)
  count = try('INCR', pushes)
  try('PEXPIRE', pushes, 86400000)
end
try('PUBLISH', 'mailboxes', pushes and count .. ' ' or '')
try('DEL', list, head)
if #answer > 1 then return answer end
if failure then return failure end
local found = identity(server, replication)
if not found then return redis.error_reply('ERR INFO has no run_id or no master_replid') end
return {'identity', found, tostring(count)}
