-- Writes what the lease's holder decided, compare-and-set against what it had read; may let the lease go.
--
-- KEYS  1 row  2 deploys  3 jobs  4 due  5 busy (set: targets that have Jobs)  6 running  7 waiting  8 waiters
--       9 paused (string)  10 open (hash: stream -> numbers)
-- ARGV  1 target  2 token  3 lease (ms)  4 version read
--       5 how to end: "keep" the lease, or the time (ms) when the target is due next, "" for never
--       6 what holds the target up, "" for nothing  7 history (deploys kept)
--       8 namespace of the deploy that has its turn, "" for none  9 waits for a place (0 or 1)
--       10 looks in a row that the cluster's trouble ended
--       11 number of deploys, then for each: number, JSON read ("" for one that was not there), JSON to write
--       then number of Jobs, then for each: field, "new" | "drop", JSON
-- Reply "ok" | "again": written, but the row has moved since, and the lease is kept
--       | "moved": nothing written, the row or a deploy has changed since | "lost": nothing written, the lease is another's

local row, deploys, jobs, due, busy, running, waiting, waiters, paused, open = unpack(KEYS)
local target, token, lease, version, ending, trouble = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local history = tonumber(ARGV[7])
local now = now_ms()

if redis.call('HGET', row, 'lease') ~= token or not leased(row, now) then return 'lost' end
local moved = (redis.call('HGET', row, 'version') or '0') ~= version
-- What keeps the lease is about to act on what it has read: it must not have changed.
if moved and ending == 'keep' then return 'moved' end

local at = 11
local function shift()
  at = at + 1
  return ARGV[at - 1]
end

local changes = {}
for _ = 1, tonumber(shift()) do
  local number, read, write = shift(), shift(), shift()
  if (redis.call('HGET', deploys, number) or '') ~= read then return 'moved' end
  local to, from = cjson.decode(write), read ~= '' and cjson.decode(read) or {}
  local begins = to.state == 'starting' and to.attempt ~= from.attempt
  -- Paused since it was read: nothing begins any more. What has an uid was found: it has begun long ago.
  if begins and not to.uid and is_held(row, paused) then return 'moved' end
  changes[#changes + 1] = { number = number, from = from, to = to, write = write, begins = begins, found = to.uid }
end

check_open(row, deploys, open)
local ended = false
for _, change in ipairs(changes) do
  redis.call('HSET', deploys, change.number, change.write)
  local seq = tonumber(redis.call('HGET', row, 'seq')) or 0
  if tonumber(change.number) > seq then redis.call('HSET', row, 'seq', change.number) end
  local deploy = change.to
  if change.from.stream and change.from.stream ~= deploy.stream then
    drop_open(open, change.from.stream, change.number) -- another has this number from now on
  end
  if not is_terminal(deploy.state) then
    add_open(open, deploy.stream, change.number)
  else
    ended = true
    drop_open(open, deploy.stream, change.number)
    local before = tonumber(redis.call('HGET', row, 'ended')) or 0
    redis.call('HSET', row, 'ended', math.max(before, tonumber(change.number)))
  end
  if deploy.state == 'succeeded' then
    local before = tonumber(redis.call('HGET', row, 'succeeded')) or 0
    redis.call('HSET', row, 'succeeded', math.max(before, tonumber(change.number)))
  end
  if change.begins then
    redis.call('HSET', row, 'begun', (change.found and '?' or run_id()) .. ' ' .. change.number)
  end
  if deploy.state ~= 'pending' and (deploy.attempt or 0) > 0 then
    local before = tonumber(redis.call('HGET', row, 'attempted')) or 0
    redis.call('HSET', row, 'attempted', math.max(before, tonumber(change.number)))
  end
end

for _ = 1, tonumber(shift()) do
  local field, verb, json = shift(), shift(), shift()
  if verb == 'drop' then redis.call('HDEL', jobs, field) else redis.call('HSETNX', jobs, field, json) end
end
redis.call(redis.call('HLEN', jobs) > 0 and 'SADD' or 'SREM', busy, target)

local function prune_history()
  local excess = redis.call('HLEN', deploys) - history
  if excess <= 0 then return end
  local keep = {}
  for _, raw in ipairs(redis.call('HVALS', jobs)) do
    keep[string.format('%d', cjson.decode(raw).number or 0)] = true
  end
  for _, number in ipairs(open_numbers(open)) do keep[number] = true end
  local numbers = redis.call('HKEYS', deploys)
  table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
  for _, number in ipairs(numbers) do
    if excess <= 0 then return end
    if not keep[number] then
      redis.call('HDEL', deploys, number)
      excess = excess - 1
    end
  end
end

if ended then prune_history() end

if ARGV[8] ~= '' then redis.call('HSET', running, target, ARGV[8]) else redis.call('HDEL', running, target) end
if ARGV[9] == '0' and redis.call('ZREM', waiting, target) == 1 then redis.call('HDEL', waiters, target) end

redis.call('HSET', row, 'trouble', trouble, 'vain', ARGV[10])
if ending == 'keep' or moved then
  redis.call('HSET', row, 'lease_until', now + lease)
  redis.call('ZADD', due, now + lease, target)
  return ending == 'keep' and 'ok' or 'again'
end
redis.call('HSET', row, 'lease', '', 'lease_until', 0)
local rests = redis.call('HLEN', jobs) == 0 and none_open(open)
if ending == '' or rests then redis.call('ZREM', due, target) else redis.call('ZADD', due, ending, target) end
return 'ok'
