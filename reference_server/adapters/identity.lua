-- Put in front of every script: which Redis this is. Of two that took turns, each may hold lists that lack what
-- was pushed to the other.
--
-- run_id         the process: another one may have come back with an old snapshot
-- master_replid  its term as a primary, new with every promotion: in between, another one was written to
--
-- Replicas share their primary's master_replid, never its run_id. What neither tells, a way to Redis that led to
-- another one for a while, the epoch tells: see trust.lua.

local function identity(server, replication)
  local run_id, replid = string.match(server, 'run_id:(%w+)'), string.match(replication, 'master_replid:(%w+)')
  return run_id and replid and run_id .. ' ' .. replid
end
