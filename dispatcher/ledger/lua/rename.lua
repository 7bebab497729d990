-- Gives what is known of a target to its new name: row, history, Jobs, branches, its place among those that run.
-- Asked again, it moves what has come under the old name since.
--
-- KEYS  1 renamed (hash: former name -> "name time")  2 specs  3 due  4 busy  5 running  6 waiting  7 waiters
--       8 row  9 deploys  10 jobs  11 open of the old name  12 row  13 deploys  14 jobs  15 open of the new name
--       then in pairs what is kept of branches, pushes and requests: the key of the old name, that of the new
-- ARGV  1 old name  2 new name  3 spec (JSON), published with it  4 grace (ms)
-- Reply {"renamed", number of the wake-up to enqueue, or 0}
--       | {"held", 0}: a worker holds one of the two, ask again
--       | {"used", 0}: the new name has started deploys of its own, or another has the history: nothing was moved

local renamed, specs, due, busy, running, waiting, waiters = unpack(KEYS, 1, 7)
local row, deploys, jobs, open, new_row, new_deploys, new_jobs, new_open = unpack(KEYS, 8, 15)
local old, new, spec, grace = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()

local function fields(key)
  local found, raw = {}, redis.call('HGETALL', key)
  for at = 1, #raw, 2 do found[raw[at]] = raw[at + 1] end
  return found
end

if leased(row, now) or leased(new_row, now) then return { 'held', 0 } end
local there = redis.call('EXISTS', row) == 1
local owner = string.match(redis.call('HGET', renamed, old) or '', '^%S+')
if owner and owner ~= new then return { 'used', 0 } end
if there and not owner and redis.call('HEXISTS', new_row, 'attempted') == 1 then return { 'used', 0 } end

-- The history ---------------------------------------------------------------------------------------

local renumbered = {}

-- As text, since decoding and encoding would make an object of an empty list.
local function under_new_name(json)
  local from, to = string.find(json, '"target":"' .. old .. '"', 1, true)
  if not from then return json end
  return string.sub(json, 1, from - 1) .. '"target":"' .. new .. '"' .. string.sub(json, to + 1)
end

-- Adds deploys of the name that has no history. What waits goes behind all others; what is over, and has a
-- number that another deploy has or had, is dropped.
local function add(guests, guest, guests_open, known)
  local seq, numbers, is_open = math.max(known, tonumber(guest.seq) or 0), {}, {}
  for _, number in ipairs(guests_open) do is_open[number] = true end
  for number in pairs(guests) do numbers[#numbers + 1] = number end
  table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
  for _, number in ipairs(numbers) do
    local deploy = cjson.decode(guests[number])
    if tonumber(number) > known then
      redis.call('HSET', new_deploys, number, under_new_name(guests[number]))
      if is_open[number] then add_open(new_open, deploy.stream, number) end
    elseif is_open[number] and (deploy.attempt or 0) == 0 then
      seq = seq + 1
      renumbered[number] = string.format('%d', seq)
      deploy.target, deploy.number = new, seq
      save(new_deploys, deploy)
      add_open(new_open, deploy.stream, seq)
    end
  end
  redis.call('HSET', new_row, 'seq', string.format('%d', seq))
end

local function merge_row(guest, known)
  for _, name in ipairs({ 'attempted', 'succeeded', 'ended' }) do
    local number = tonumber(guest[name]) or 0
    local mine = tonumber(redis.call('HGET', new_row, name)) or 0
    if number > known and number > mine then redis.call('HSET', new_row, name, guest[name]) end
  end
  redis.call('HDEL', new_row, 'begun') -- Pods of either may be left
  if guest.paused then redis.call('HSETNX', new_row, 'paused', guest.paused) end
  local wakes = math.max(tonumber(redis.call('HGET', new_row, 'wakes')) or 0, tonumber(guest.wakes) or 0)
  -- A wake-up that is on its way says the old name.
  redis.call('HSET', new_row, 'wakes', string.format('%d', wakes), 'woken', '', 'rewakes', 0,
             'lease', '', 'lease_until', 0)
end

-- At first the old name has the history, and later the new one: that row stays, the other is added to it.
local function move_history()
  check_open(row, deploys, open)
  check_open(new_row, new_deploys, new_open)
  local guest, guests = fields(owner and row or new_row), fields(owner and deploys or new_deploys)
  local guests_open = open_numbers(owner and open or new_open)
  if owner then
    redis.call('DEL', row, deploys, open)
  else
    redis.call('DEL', new_row, new_deploys, new_open)
    redis.call('RENAME', row, new_row)
    if not none_open(open) then redis.call('RENAME', open, new_open) end
    for number, json in pairs(fields(deploys)) do redis.call('HSET', new_deploys, number, under_new_name(json)) end
    redis.call('DEL', deploys)
  end
  local known = tonumber(redis.call('HGET', new_row, 'seq')) or 0
  add(guests, guest, guests_open, known)
  merge_row(guest, known)
end

-- What runs -------------------------------------------------------------------------------------------

local function move_field(key)
  local value = redis.call('HGET', key, old)
  if not value then return end
  redis.call('HSETNX', key, new, value)
  redis.call('HDEL', key, old)
end

local function move_jobs()
  for field, json in pairs(fields(jobs)) do redis.call('HSETNX', new_jobs, field, json) end
  redis.call('DEL', jobs)
  redis.call('SREM', busy, old)
  if redis.call('HLEN', new_jobs) > 0 then redis.call('SADD', busy, new) end
  redis.call('ZREM', due, old)
  move_field(running)
  move_field(waiters)
  local since = redis.call('ZSCORE', waiting, old)
  if since then redis.call('ZADD', waiting, 'NX', since, new) end
  redis.call('ZREM', waiting, old)
end

-- Branches, pushes, requests --------------------------------------------------------------------------

-- Of a ref whose head is known under the new name, only the edges are of use.
local function merge_chain(from, to)
  local known = fields(to)
  for field, value in pairs(fields(from)) do
    local what, ref = string.match(field, '^(%S+) (%S+)')
    if not ref or what == 'next' or not known['head ' .. ref] then redis.call('HSETNX', to, field, value) end
  end
end

local function merge_ages(from, to)
  local raw = redis.call('ZRANGE', from, 0, -1, 'WITHSCORES')
  for at = 1, #raw, 2 do redis.call('ZADD', to, 'GT', raw[at + 1], raw[at]) end
end

local function move_key(from, to)
  local kind = redis.call('TYPE', to).ok
  local last = kind == 'hash' and renumbered[redis.call('HGET', to, 'last') or '']
  if last then redis.call('HSET', to, 'last', last) end
  if redis.call('EXISTS', from) == 0 or redis.call('RENAMENX', from, to) == 1 then return end
  if kind == 'hash' then merge_chain(from, to) elseif kind == 'zset' then merge_ages(from, to) end
  local longest = math.max(redis.call('PTTL', from), redis.call('PTTL', to))
  if longest > 0 then redis.call('PEXPIRE', to, longest) end
  redis.call('DEL', from)
end

-- All of it -------------------------------------------------------------------------------------------

if there then move_history() end
redis.call('PERSIST', new_row)
redis.call('PERSIST', new_deploys)
move_jobs()
for at = 16, #KEYS, 2 do move_key(KEYS[at], KEYS[at + 1]) end
for former, value in pairs(fields(renamed)) do
  local name, since = string.match(value, '^(%S+) (%d+)$')
  if name == old then redis.call('HSET', renamed, former, new .. ' ' .. since) end
end
redis.call('HDEL', renamed, new)
redis.call('HSET', renamed, old, new .. ' ' .. string.format('%d', now))
redis.call('HDEL', specs, old)
redis.call('HSET', specs, new, spec)
return { 'renamed', there and touch(new_row, due, new, now, grace) or 0 }
