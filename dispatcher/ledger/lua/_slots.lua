-- Concurrency slots: how many deploys may run at once, and who is next in line.
--
-- running  hash  target -> namespace of its deploy that has a slot
-- waiting  zset  target -> since when it waits (ms)
-- waiters  hash  target -> "namespace time": when it was offered a slot, 0 if it was not
-- limits   hash  namespace, "*" for all -> slots

local PAGE = 100 -- targets

-- How many slots are taken in each namespace, how many it has, and how many of all are free.
local function count_slots(running, limits)
  local limit, taken = {}, {}
  local raw = redis.call('HGETALL', limits)
  for at = 1, #raw, 2 do limit[raw[at]] = tonumber(raw[at + 1]) end
  for _, namespace in ipairs(redis.call('HVALS', running)) do taken[namespace] = (taken[namespace] or 0) + 1 end
  return taken, limit, (limit['*'] or math.huge) - redis.call('HLEN', running)
end

local function waiter(waiters, target)
  local namespace, offered = string.match(redis.call('HGET', waiters, target) or '', '^(%S+) (%d+)$')
  return namespace, tonumber(offered) or 0
end

-- The waiting targets that may have a slot now, the longest wait first, up to and including `last`. Passes over a
-- target that was offered a slot more than `patience` (ms) ago and has not claimed it.
local function in_line(running, waiting, waiters, limits, now, patience, last)
  local taken, limit, free = count_slots(running, limits)
  local found, from = {}, 0
  while free > 0 do
    local page = redis.call('ZRANGE', waiting, from, from + PAGE - 1)
    for _, target in ipairs(page) do
      local namespace, offered = waiter(waiters, target)
      local passed_over = offered > 0 and now - offered > patience
      local used = taken[namespace or ''] or 0
      if namespace and not passed_over and free > 0 and used < (limit[namespace] or math.huge) then
        found[#found + 1] = target
        taken[namespace], free = used + 1, free - 1
      end
      if target == last then return found end
    end
    if #page < PAGE then return found end
    from = from + PAGE
  end
  return found
end
