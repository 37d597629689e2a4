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
