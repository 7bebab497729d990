-- Put in front of the scripts about places: how many deploys may run at once, and who is next in line.

-- Those who wait and may have a place now, the longest wait first, up to and with `last`. Who was told of a
-- place a while ago and has not come for it is passed over.
local function in_line(running, waiting, waiters, limits, now, patience, last)
  local limit, used, found = {}, {}, {}
  local raw = redis.call('HGETALL', limits)
  for at = 1, #raw, 2 do limit[raw[at]] = tonumber(raw[at + 1]) end
  local free = (limit['*'] or math.huge) - redis.call('HLEN', running)
  for _, namespace in ipairs(redis.call('HVALS', running)) do used[namespace] = (used[namespace] or 0) + 1 end

  local from = 0
  while free > 0 do
    local page = redis.call('ZRANGE', waiting, from, from + 99)
    for _, target in ipairs(page) do
      local namespace, called = string.match(redis.call('HGET', waiters, target) or '', '^(%S+) (%d+)$')
      called = tonumber(called) or 0
      local passed_over = called > 0 and now - called > patience
      local taken = used[namespace] or 0
      if namespace and not passed_over and free > 0 and taken < (limit[namespace] or math.huge) then
        found[#found + 1] = target
        used[namespace], free = taken + 1, free - 1
      end
      if target == last then return found end
    end
    if #page < 100 then return found end
    from = from + 100
  end
  return found
end
