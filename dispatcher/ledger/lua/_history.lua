-- The history of a target: its newest deploys, and those that something still needs.
-- Includes: _open

-- Deploys that are never dropped, however old: those open or with a Job.
local function needed(target, jobs)
  local keep = {}
  for _, raw in ipairs(redis.call('HVALS', jobs)) do
    keep[string.format('%d', cjson.decode(raw).number or 0)] = true
  end
  for _, number in ipairs(open_numbers(target)) do keep[number] = true end
  return keep
end

-- Drops the oldest until at most `most` are left.
local function prune_history(target, jobs, most)
  local excess = redis.call('HLEN', target.deploys) - most
  if excess <= 0 then return end
  local keep = needed(target, jobs)
  for _, number in ipairs(by_number(redis.call('HKEYS', target.deploys))) do
    if excess <= 0 then return end
    if not keep[number] then
      redis.call('HDEL', target.deploys, number)
      redis.call('HDEL', target.timelines, number)
      redis.call('ZREM', target.index, target.name .. ' ' .. number)
      excess = excess - 1
    end
  end
end
