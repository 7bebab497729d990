-- Writes what the holder of a lease decided, compare-and-set against what it had read; renews the lease or ends it.
-- Includes: _history
--
-- KEYS  1 row  2 deploys  3 jobs  4 due  5 busy (set: targets that have Jobs)  6 running  7 waiting  8 waiters
--       9 paused (string)  10 open (hash: stream -> numbers)  11 timelines  12 events  13 counts  14 index, see submit.lua
-- ARGV  1 document
--   target    name
--   token     of the lease
--   lease     ms for which it is renewed, where it is kept
--   version   of the row, as it was read
--   ends      the worker ends its lease
--   due_at    when the target is due next (ms), 0 for never; of a lease that ends
--   trouble   what holds the target up, "" for nothing
--   failures  looks in a row that the cluster failed
--   history   deploys that are kept
--   keep      how much is kept of what happened: {events, lines, deploys}, see _events.lua
--   slot      namespace of the deploy that has a concurrency slot, "" for none
--   waits     the target waits for one
--   deploys   what is written: {number, read, write}; `read` is the text as it was read, "" for one that was not
--             there, `write` the text to store
--   jobs      Jobs that were asked for: "namespace/name" -> the text to store where no watcher has seen it yet
--   dropped   keys of Jobs to forget
-- Reply "ok" | "again": written, but the row has moved since, and the lease is kept
--       | "moved": nothing written, the row or a deploy has changed since
--       | "lost": nothing written, another worker has the lease or none

local arg = cjson.decode(ARGV[1])
local row, deploys, jobs, due, busy, running, waiting, waiters, paused, open, timelines, events, counts, index =
  unpack(KEYS)
local target = { name = arg.target, now = now_ms(), row = row, deploys = deploys, open = open, due = due, paused = paused,
                 timelines = timelines, events = events, counts = counts, index = index, keep = arg.keep }

-- One deploy's change: what it was and is, nil if it may not be written any more.
local function change_of(deploy)
  local number = string.format('%d', deploy.number)
  if (redis.call('HGET', deploys, number) or '') ~= deploy.read then return nil end
  local to, from = cjson.decode(deploy.write), deploy.read ~= '' and cjson.decode(deploy.read) or {}
  local begins = to.state == 'starting' and to.attempt ~= from.attempt
  -- If the target was paused since the read, nothing starts. A Job with a uid was found: it started long ago.
  if begins and not to.uid and is_held(target) then return nil end
  return { number = number, from = from, to = to, write = deploy.write, begins = begins }
end

-- All or nothing: nil if one of them may not be written.
local function changes_of(list)
  local changes = {}
  for at, deploy in ipairs(list) do
    changes[at] = change_of(deploy)
    if not changes[at] then return nil end
  end
  return changes
end

local function keep_in_open(change)
  if change.from.stream and change.from.stream ~= change.to.stream then
    drop_open(target, change.from.stream, change.number) -- another has this number from now on
  end
  local keep = is_terminal(change.to.state) and drop_open or add_open
  keep(target, change.to.stream, change.number)
end

-- What of a change is an event: another state, another attempt, or another cause why it does not go on.
local function note_change(change)
  local from, to = change.from, change.to
  if not from.state then return note(target, to, 'created') end
  if from.state ~= to.state or from.attempt ~= to.attempt then return note(target, to, 'state', from.state) end
  if from.cause ~= to.cause then note(target, to, 'cause') end
end

local function note_trouble()
  local was = redis.call('HGET', row, 'trouble') or ''
  if was == arg.trouble then return end
  note_target(target, arg.trouble ~= '' and 'trouble' or 'recovered', arg.trouble)
end

local function write(change)
  local deploy, number = change.to, change.number
  redis.call('HSET', deploys, number, change.write)
  note_change(change)
  keep_in_open(change)
  raise(target, 'seq', number)
  if is_terminal(deploy.state) then end_deploy(target, deploy) end
  if deploy.state == 'succeeded' then raise(target, 'succeeded', number) end
  if deploy.state ~= 'pending' and (deploy.attempt or 0) > 0 then raise(target, 'attempted', number) end
  if change.begins then redis.call('HSET', row, 'begun', (deploy.uid and '?' or run_id()) .. ' ' .. number) end
  return is_terminal(deploy.state)
end

-- The Job and the Pods of a deploy that ended are gone.
local function note_cleaned(name)
  local raw = redis.call('HGET', jobs, name)
  local deploy = raw and load(target, string.format('%d', cjson.decode(raw).number or 0))
  if not deploy or not is_terminal(deploy.state) then return end
  if name == (deploy.namespace or '') .. '/' .. (deploy.job or '') then note(target, deploy, 'cleaned') end
end

local function drop_job(name)
  note_cleaned(name)
  redis.call('HDEL', jobs, name)
end

local function write_jobs()
  for key, observed in pairs(arg.jobs) do redis.call('HSETNX', jobs, key, observed) end
  for _, name in ipairs(arg.dropped) do drop_job(name) end
  redis.call(redis.call('HLEN', jobs) > 0 and 'SADD' or 'SREM', busy, target.name)
end

local function write_slot()
  if arg.slot ~= '' then redis.call('HSET', running, target.name, arg.slot) else redis.call('HDEL', running, target.name) end
  if not arg.waits and redis.call('ZREM', waiting, target.name) == 1 then redis.call('HDEL', waiters, target.name) end
end

local function let_go()
  end_lease(row)
  local rests = redis.call('HLEN', jobs) == 0 and none_open(target)
  if arg.due_at == 0 or rests then redis.call('ZREM', due, target.name)
  else redis.call('ZADD', due, arg.due_at, target.name) end
end

if not leased_to(row, arg.token, target.now) then return 'lost' end
local moved = (tonumber(redis.call('HGET', row, 'version')) or 0) ~= arg.version
-- A worker that keeps the lease is about to act on what it read: that must not have changed.
if moved and not arg.ends then return 'moved' end
local changes = changes_of(arg.deploys)
if not changes then return 'moved' end

check_open(target)
local ended = false
for _, change in ipairs(changes) do ended = write(change) or ended end
write_jobs()
if ended then prune_history(target, jobs, arg.history) end
write_slot()
note_trouble()
redis.call('HSET', row, 'trouble', arg.trouble, 'failures', arg.failures)
if arg.ends and not moved then
  let_go()
  return 'ok'
end
renew_lease(target, arg.lease)
return arg.ends and 'again' or 'ok'
