-- The lease: which worker holds a target. It is in the target's row, as "lease" (token) and "lease_until" (ms).

-- A lease that lasts longer than any setting allows was set by a clock that was ahead: it doesn't count.
local LONGEST_LEASE = 60000 -- ms, the most that the setting allows

-- For how long (ms) a worker still holds the target, false if none does. The worker reads the row again before it
-- releases the lease.
local function leased(row, now)
  local left = (tonumber(redis.call('HGET', row, 'lease_until')) or 0) - now
  return left > 0 and left <= LONGEST_LEASE and left
end

-- Whether a wake-up waits for a worker: "woken" says since when (ms), until a worker leases the target.
local function waits_for_worker(row) return (redis.call('HGET', row, 'woken') or '') ~= '' end

local function leased_to(row, token, now) return redis.call('HGET', row, 'lease') == token and leased(row, now) end

-- The target is due when its lease runs out: until then the worker should have ended the lease itself.
local function renew_lease(target, length)
  redis.call('HSET', target.row, 'lease_until', target.now + length)
  redis.call('ZADD', target.due, target.now + length, target.name)
end

local function end_lease(row) redis.call('HSET', row, 'lease', '', 'lease_until', 0) end
