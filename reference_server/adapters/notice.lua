-- Tells every worker that a mailbox's list has changed. Used by push.lua.
--
-- KEYS[3]  pushes  string: how many notices were published: a worker that misses one can see it, see
--                  known_heads.py. It lives for a day after the last notice. In a cluster there is none.
--
-- Publishes the count and the username on the channel mailboxes: "42 bob"; in a cluster "bob".

local pushes = KEYS[3]

local function notify(username)
  if not pushes then return redis.call('PUBLISH', 'mailboxes', username) end
  local count = redis.pcall('INCR', pushes)
  if type(count) == 'table' then -- another client has damaged it
    redis.call('DEL', pushes)
    count = redis.call('INCR', pushes)
  end
  redis.call('PEXPIRE', pushes, 86400000)
  redis.call('PUBLISH', 'mailboxes', count .. ' ' .. username)
end
