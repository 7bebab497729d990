-- Moves everything of a target to its new name: row, history, Jobs, branches, concurrency slot.
-- Asked again, it moves what has come under the old name since.
-- Includes: _merge_history, _merge_keys
--
-- KEYS  1 renamed (hash: former name -> "name time")  2 specs  3 due  4 busy  5 running  6 waiting  7 waiters
--       8 row  9 deploys  10 jobs  11 open  12 timelines of the old name
--       13 row  14 deploys  15 jobs  16 open  17 timelines of the new name
--       18 index (zset: "target number" of the newest deploys of all targets -> when each was created)
--       then in pairs what is kept of branches, pushes and requests: the key of the old name, that of the new
-- ARGV  1 document
--   old    name
--   new    name
--   spec   published with it (JSON, text)
--   grace  ms after which a wake-up that no worker took counts as lost
-- Reply {"renamed", number of the wake-up to enqueue, or 0}
--       | {"held", 0}: a worker holds one of the two, ask again
--       | {"used", 0}: the new name has started deploys of its own, or another has the history: nothing was moved

local arg = cjson.decode(ARGV[1])
local renamed, specs, due, busy, running, waiting, waiters = unpack(KEYS, 1, 7)
local now = now_ms()
local old = { name = arg.old, now = now, row = KEYS[8], deploys = KEYS[9], jobs = KEYS[10], open = KEYS[11],
              timelines = KEYS[12], index = KEYS[18] }
local new = { name = arg.new, now = now, row = KEYS[13], deploys = KEYS[14], jobs = KEYS[15], open = KEYS[16],
              timelines = KEYS[17], index = KEYS[18],
              due = due, grace = arg.grace }

local function move_field(key)
  local value = redis.call('HGET', key, old.name)
  if not value then return end
  redis.call('HSETNX', key, new.name, value)
  redis.call('HDEL', key, old.name)
end

local function move_jobs()
  for field, json in pairs(hash_at(old.jobs)) do redis.call('HSETNX', new.jobs, field, json) end
  redis.call('DEL', old.jobs)
  redis.call('SREM', busy, old.name)
  if redis.call('HLEN', new.jobs) > 0 then redis.call('SADD', busy, new.name) end
  redis.call('ZREM', due, old.name)
end

local function move_slot()
  move_field(running)
  move_field(waiters)
  local since = redis.call('ZSCORE', waiting, old.name)
  if since then redis.call('ZADD', waiting, 'NX', since, new.name) end
  redis.call('ZREM', waiting, old.name)
end

-- Also names that lead to the old one lead to the new one from now on.
local function redirect()
  for former, value in pairs(hash_at(renamed)) do
    local name, since = string.match(value, '^(%S+) (%d+)$')
    if name == old.name then redis.call('HSET', renamed, former, new.name .. ' ' .. since) end
  end
  redis.call('HDEL', renamed, new.name)
  redis.call('HSET', renamed, old.name, new.name .. ' ' .. string.format('%d', now))
end

if leased(old.row, now) or leased(new.row, now) then return { 'held', 0 } end
local there = redis.call('EXISTS', old.row) == 1
local owner = string.match(redis.call('HGET', renamed, old.name) or '', '^%S+')
if owner and owner ~= new.name then return { 'used', 0 } end
if there and not owner and redis.call('HEXISTS', new.row, 'attempted') == 1 then return { 'used', 0 } end

-- At first the old name has the history, and later the new one has it.
local renumbered = {}
if there then renumbered = (owner and add_history or take_history)(new, old) end
redis.call('PERSIST', new.row)
redis.call('PERSIST', new.deploys)
redis.call('PERSIST', new.timelines)
move_jobs()
move_slot()
for at = 19, #KEYS, 2 do move_key(KEYS[at], KEYS[at + 1], renumbered) end
redirect()
redis.call('HDEL', specs, old.name)
redis.call('HSET', specs, new.name, arg.spec)
return { 'renamed', there and touch(new) or 0 }
