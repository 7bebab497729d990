-- Takes what the watcher saw of one Job and its Pods. What is older than what is known, or says nothing new, is dropped.
--
-- KEYS  1 row  2 deploys  3 jobs  4 due  5 busy  6 running
--       7 versions (hash: namespace, "*" for all -> newest resourceVersion that the watcher has heard of)
--       8 open (hash: stream -> numbers)
-- ARGV  1 target  2 field ("namespace/job")  3 facts (JSON)  4 grace (ms)  5 seen by the watcher that leads (0 or 1)
-- Reply the number of the wake-up to enqueue, or 0

local row, deploys, jobs, due, busy, running, versions, open = unpack(KEYS)
local target, field, json, grace = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local facts = cjson.decode(json)

-- A LIST that is older than this tells that the cluster has gone back in time.
if ARGV[5] == '1' then
  for _, name in ipairs({ '*', facts.namespace }) do
    if older(redis.call('HGET', versions, name) or '', facts.rv) then redis.call('HSET', versions, name, facts.rv) end
  end
end

-- What a plan depends on; the rest is for people and wakes nobody.
local function says(it)
  return table.concat({ it.uid or '', tostring(it.gone or false), it.outcome or '', tostring(it.started or false),
                        tostring(it.interruptible ~= false), it.why or '',
                        it.gone and (it.live_pods or 0) or '' }, ' ')
end

local known_json = redis.call('HGET', jobs, field)
if known_json == json then return 0 end
if known_json then
  local known = cjson.decode(known_json)
  if known.uid == facts.uid and known.gone and not facts.gone then return 0 end
  if older(facts.rv, known.rv) then return 0 end
  if says(known) == says(facts) then
    redis.call('HSET', jobs, field, json)
    return 0
  end
elseif facts.gone and (facts.live_pods or 0) == 0 then
  return 0
end

local seq = tonumber(redis.call('HGET', row, 'seq')) or 0
if (facts.number or 0) > seq then redis.call('HSET', row, 'seq', string.format('%d', facts.number)) end

if facts.gone and (facts.live_pods or 0) == 0 then
  local deploy = load(deploys, string.format('%d', facts.number or 0))
  local over = not deploy or is_terminal(deploy.state)
  if over then
    redis.call('HDEL', jobs, field)
    if redis.call('HLEN', jobs) == 0 then redis.call('SREM', busy, target) end
    check_open(row, deploys, open)
    if not none_open(open) then return touch(row, due, target, now_ms(), grace) end
    if redis.call('HLEN', jobs) == 0 and not leased(row, now_ms()) then redis.call('ZREM', due, target) end
    return 0
  end
end
-- What the ledger did not know takes a place all the same, until a worker has looked at it.
if not known_json and not facts.reserves_name and not facts.outcome and not facts.gone then
  redis.call('HSETNX', running, target, facts.namespace)
end
redis.call('HSET', jobs, field, json)
redis.call('SADD', busy, target)
return touch(row, due, target, now_ms(), grace)
