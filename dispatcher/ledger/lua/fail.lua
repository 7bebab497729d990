-- Counts an unauthenticated delivery: for the address that it came from and, unless that is over its limit, for
-- the hook that it was sent to.
--
-- KEYS  1 failures from the address (string, expires)  2 failures at the hook (string, expires)
-- ARGV  1 window (ms)  2 most from an address in a window, 0 for any number  3 the same at a hook
-- Reply {ms until the window of an exceeded limit ends, or 0; 1 if this is the first beyond the limit, else 0}

local window = ARGV[1]

local function count(key, most)
  if most == 0 then return 0, 0 end
  local failed = redis.call('INCR', key)
  if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, window) end
  if failed <= most then return 0, 0 end
  return math.max(redis.call('PTTL', key), 1), failed == most + 1 and 1 or 0
end

for at = 1, 2 do
  local wait, first = count(KEYS[at], tonumber(ARGV[at + 1]))
  if wait > 0 then return { wait, first } end
end
return { 0, 0 }
