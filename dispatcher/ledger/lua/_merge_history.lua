-- Merges the rows of a renamed target's two names: which row stays, and how the other's deploys are added to it.
-- Includes: _open, _merge_keys

-- Renames the target in the JSON text, since cjson would turn an empty list into an object.
local function renamed_deploy(json, old, new)
  local from, to = string.find(json, '"target":"' .. old .. '"', 1, true)
  if not from then return json end
  return string.sub(json, 1, from - 1) .. '"target":"' .. new .. '"' .. string.sub(json, to + 1)
end

-- Takes a deploy out of the index of all targets' deploys; returns when it was created, nil if it was not there.
local function take_entry(target, number)
  local entry = target.name .. ' ' .. number
  local at = redis.call('ZSCORE', target.index, entry)
  redis.call('ZREM', target.index, entry)
  return at or nil
end

local function add_entry(target, number, at)
  if at then redis.call('ZADD', target.index, at, target.name .. ' ' .. number) end
end

-- Reads everything stored under one of the two names, before its keys are deleted.
local function take_out(target)
  local found = { row = hash_at(target.row), deploys = hash_at(target.deploys), timelines = hash_at(target.timelines),
                  numbers = {}, is_open = {}, entries = {} }
  for _, number in ipairs(open_numbers(target)) do found.is_open[number] = true end
  for number in pairs(found.deploys) do
    found.numbers[#found.numbers + 1] = number
    found.entries[number] = take_entry(target, number)
  end
  by_number(found.numbers)
  redis.call('DEL', target.row, target.deploys, target.open, target.timelines)
  return found
end

local function add_timeline(target, number, timeline)
  if timeline then redis.call('HSET', target.timelines, number, timeline) end
end

-- Adds the deploys of `guest`. A number up to `known` belongs to another deploy, or did: an open deploy with such a
-- number gets a new one, after all others, if it was never started; else it is dropped. Returns new numbers by old ones.
local function add_deploys(target, guest, from, known)
  local seq, renumbered = math.max(known, tonumber(guest.row.seq) or 0), {}
  for _, number in ipairs(guest.numbers) do
    local deploy = cjson.decode(guest.deploys[number])
    if tonumber(number) > known then
      redis.call('HSET', target.deploys, number, renamed_deploy(guest.deploys[number], from, target.name))
      add_timeline(target, number, guest.timelines[number])
      add_entry(target, number, guest.entries[number])
      if guest.is_open[number] then add_open(target, deploy.stream, number) end
    elseif guest.is_open[number] and (deploy.attempt or 0) == 0 then
      seq = seq + 1
      renumbered[number] = string.format('%d', seq)
      deploy.target, deploy.number = target.name, seq
      save(target, deploy)
      add_timeline(target, renumbered[number], guest.timelines[number])
      add_entry(target, renumbered[number], guest.entries[number])
      add_open(target, deploy.stream, seq)
    end
  end
  redis.call('HSET', target.row, 'seq', string.format('%d', seq))
  return renumbered
end

local function merge_row(target, guest, known)
  for _, field in ipairs({ 'attempted', 'succeeded', 'ended' }) do
    local number = tonumber(guest[field]) or 0
    if number > known then raise(target, field, number) end
  end
  if (tonumber(string.match(guest.outcome or '', '^%d+')) or 0) > known then
    redis.call('HSET', target.row, 'outcome', guest.outcome)
    if (tonumber(guest.succeeded) or 0) > known then redis.call('HSET', target.row, 'succeeded_at', guest.succeeded_at) end
  end
  redis.call('HDEL', target.row, 'begun') -- Pods of either name's last deploy may still run
  if guest.paused then redis.call('HSETNX', target.row, 'paused', guest.paused) end
  raise(target, 'wakes', tonumber(guest.wakes) or 0)
  -- A wake-up that is already in the queue has the old name.
  redis.call('HSET', target.row, 'woken', '', 'rewakes', 0)
  end_lease(target.row)
end

local function add_guest(target, guest, from)
  local known = tonumber(redis.call('HGET', target.row, 'seq')) or 0
  local renumbered = add_deploys(target, guest, from, known)
  merge_row(target, guest.row, known)
  return renumbered
end

-- If the new name has the history: adds the deploys that were recorded under the old name since.
local function add_history(new, old)
  check_open(old)
  check_open(new)
  return add_guest(new, take_out(old), old.name)
end

-- If the old name has the history: moves it to the new name, and adds the deploys that came under the new name before.
local function take_history(new, old)
  check_open(old)
  check_open(new)
  local guest = take_out(new)
  redis.call('RENAME', old.row, new.row)
  if not none_open(old) then redis.call('RENAME', old.open, new.open) end
  for number, json in pairs(hash_at(old.deploys)) do
    redis.call('HSET', new.deploys, number, renamed_deploy(json, old.name, new.name))
    add_entry(new, number, take_entry(old, number))
  end
  for number, timeline in pairs(hash_at(old.timelines)) do add_timeline(new, number, timeline) end
  redis.call('DEL', old.deploys, old.timelines)
  return add_guest(new, guest, old.name)
end
