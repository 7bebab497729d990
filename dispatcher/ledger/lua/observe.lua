-- Records the observed state of one Job and its Pods. An older version than the recorded one, or no change, is
-- dropped.
-- Includes: _open, _versions
--
-- KEYS  1 row  2 deploys  3 jobs  4 due  5 busy  6 running
--       7 versions (hash: namespace, "*" for all -> newest resourceVersion that the watcher has seen)
--       8 open (hash: stream -> numbers)  9 timelines  10 events  11 counts  12 index, see submit.lua
-- ARGV  1 document, 2 what was seen (JSON, stored as it is)
--   target  name
--   job     "namespace/name"
--   grace   ms after which a wake-up that no worker took counts as lost
--   keep      how much is kept of what happened: {events, lines, deploys}, see _events.lua
--   leads   the watcher that leads saw it
-- Reply {the number of the wake-up to enqueue, or 0; ms from the end of a deploy until its Job and Pods were gone, or -1}

local arg, json = cjson.decode(ARGV[1]), ARGV[2]
local row, deploys, jobs, due, busy, running, versions, open, timelines, events, counts, index = unpack(KEYS)
local target = { name = arg.target, now = now_ms(), grace = arg.grace, keep = arg.keep,
                 row = row, deploys = deploys, due = due, open = open,
                 timelines = timelines, events = events, counts = counts, index = index }
local observed, known_json = cjson.decode(json), redis.call('HGET', jobs, arg.job)
local known -- the same of what was seen before

-- A LIST older than this means that the cluster has gone back in time (a restored etcd).
local function note_version()
  for _, name in ipairs({ '*', observed.namespace }) do
    if older(redis.call('HGET', versions, name), observed.rv) then redis.call('HSET', versions, name, observed.rv) end
  end
end

-- The Job and its Pods are gone.
local function is_over(job) return job.gone and (job.live_pods or 0) == 0 end

-- The fields that a plan depends on; other fields are for display and wake no worker.
local function says(job)
  return table.concat({ job.uid or '', tostring(job.gone or false), job.outcome or '', tostring(job.started or false),
                        tostring(job.interruptible ~= false), job.why or '',
                        job.gone and (job.live_pods or 0) or '' }, ' ')
end

local function is_outdated()
  if not known then return is_over(observed) end
  return known.uid == observed.uid and known.gone and not observed.gone or older(observed.rv, known.rv)
end

local cleaned_after = -1
local function reply(wake_up) return { wake_up, cleaned_after } end

-- The Job of an ended deploy is gone from the cluster.
local function drop(deploy)
  if deploy and known then
    note(target, deploy, 'cleaned')
    cleaned_after = target.now - (deploy.ended_at or target.now)
  end
  redis.call('HDEL', jobs, arg.job)
  local was_last = redis.call('HLEN', jobs) == 0
  if was_last then redis.call('SREM', busy, target.name) end
  check_open(target)
  if not none_open(target) then return touch(target) end
  if was_last and not leased(row, target.now) then redis.call('ZREM', due, target.name) end
  return 0
end

if arg.leads then note_version() end
if known_json == json then return reply(0) end
known = known_json and cjson.decode(known_json)
if is_outdated() then return reply(0) end
if known and says(known) == says(observed) then
  redis.call('HSET', jobs, arg.job, json)
  return reply(0)
end

raise(target, 'seq', observed.number or 0)
local deploy = is_over(observed) and load(target, string.format('%d', observed.number or 0))
if is_over(observed) and (not deploy or is_terminal(deploy.state)) then return reply(drop(deploy)) end
-- What the ledger did not know takes a slot all the same, until a worker has looked at it.
if not known and not observed.reserves_name and not observed.outcome and not observed.gone then
  redis.call('HSETNX', running, target.name, observed.namespace)
end
redis.call('HSET', jobs, arg.job, json)
redis.call('SADD', busy, target.name)
return reply(touch(target))
