-- Offers free concurrency slots to the targets that wait in line for them, to each once.
-- Includes: _server, _slots
--
-- KEYS  1 running (hash)  2 waiting (zset)  3 waiters (hash)  4 limits (hash)
-- ARGV  1 ms after which a target that was offered a slot and has not claimed it is passed over
-- Reply the names of the targets to wake

local running, waiting, waiters, limits = unpack(KEYS)
if redis.call('ZCARD', waiting) == 0 then return {} end
local now, wake = now_ms(), {}
for _, target in ipairs(in_line(running, waiting, waiters, limits, now, tonumber(ARGV[1]), nil)) do
  local namespace, offered = waiter(waiters, target)
  if offered == 0 then
    redis.call('HSET', waiters, target, namespace .. ' ' .. string.format('%d', now))
    wake[#wake + 1] = target
  end
end
return wake
