-- Takes one push for one target: deduplicates, orders by the chain of commits, coalesces, wakes.
--
-- KEYS  1 row        hash    version, seq, woken …
--       2 deploys    hash    number -> deploy (JSON)
--       3 chain      hash    of the stream: "head <ref>", "time <ref>", "next <ref> <commit>" (edges, JSON),
--                            "run <ref>" (where the current run began), "apart <ref>" (runs, JSON), "wanted <ref>" (commit to deploy),
--                            and for the stream as a whole "time", "last"
--       4 ages       zset    "<ref> <commit>" -> time of the newest edge that begins there
--       5 seen       string  number of the deploy that this very push went to
--       6 delivery   hash    "<target> <ref> <commit>" -> first answer (JSON)
--       7 due        zset    target -> time
--       8 paused     string  there while everything is paused
--       9 renamed    hash    a name that a target had -> "name time": the one that it has, and since when
--       10 former    hash    row of the name that the target had before; its own row where there is none
--       11 trail     hash    the delivery's entry in the trail, expires: step -> reply (JSON)
--       12 open      hash    stream -> numbers of its deploys that are not over
-- ARGV  1 target   2 ref   3 before   4 after   5 pushed_at (ms or 0)   6 the deploy, new (JSON)
--       7 delivery id ("" if none)   8 remember deliveries (s)   9 remember edges (ms)   10 grace (ms)
--       11 deliveries kept in a deploy   12 "wanted", or "passing" for a push that only moves the branch
--       13 how many of a stream may wait where every push is deployed, 0 where they are merged
--       14 name that the target had before, "" for none   15 for how long after a rename pushes come under that (ms)
--       16 step of the entry that this is, "" where none is kept   17 for how long the entry is kept (s)
--       18 when the delivery first came that this one replays (ms), 0 for one that comes by itself
--       19 of how many streams deploys may be open, 0 for any number
-- Reply JSON {outcome, code, deploy = number or 0, other = number or commit, wake = number or 0, repeated}
--       or "elsewhere <name>": nothing was written, the target's row is under that name

local row, deploys, chain, ages, seen, delivery, due, paused, renamed, former_row, trail, open = unpack(KEYS)
local target, ref, before, after = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pushed_at, fresh, delivery_id = tonumber(ARGV[5]), cjson.decode(ARGV[6]), ARGV[7]
local every = tonumber(ARGV[13])
local remember, window, grace, kept = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local former, step, replays = ARGV[14], ARGV[16], tonumber(ARGV[18])
local field = target .. ' ' .. ref .. ' ' .. after
local now = now_ms()
local stream = fresh.stream
local LONGEST_WALK = 2000 -- edges
local REORDERED_WITHIN = 3600 * 1000 -- ms

local function zero(commit) return string.match(commit, '^0+$') ~= nil end
local gone = zero(after)
if zero(before) then before = '0' end
if gone then after = '0' end

-- Where the target's row is: around a rename, web may have read the configuration before the watcher, or after ----

local name, since = string.match(redis.call('HGET', renamed, target) or '', '^(%S+) (%d+)$')
if name and now - tonumber(since) < tonumber(ARGV[15]) then return 'elsewhere ' .. name end
if former ~= '' and redis.call('EXISTS', former_row) == 1 and redis.call('HEXISTS', renamed, former) == 0
  and redis.call('HEXISTS', row, 'attempted') == 0 then return 'elsewhere ' .. former end

-- The answer ------------------------------------------------------------------------------------

local function told(reply)
  local text = cjson.encode(reply)
  if step ~= '' then
    redis.call('HSET', trail, step, text)
    redis.call('EXPIRE', trail, tonumber(ARGV[17]))
  end
  return text
end

local function answer(outcome, code, deploy, other, wake)
  local reply = { outcome = outcome, code = code, deploy = deploy or 0, other = other or '', wake = wake or 0 }
  if delivery_id ~= '' then
    redis.call('HSET', delivery, field, cjson.encode({ outcome = outcome, code = code, deploy = reply.deploy,
                                                       other = reply.other, wake = 0 }))
    redis.call('EXPIRE', delivery, remember)
  end
  if reply.deploy ~= 0 then redis.call('SET', seen, reply.deploy, 'EX', remember) end
  return told(reply)
end

-- The chain: edges before -> after, kept per ref ---------------------------------------------------
-- Pushes that follow one another form a run. A push that does not follow begins a run of its own, and the
-- run that it cuts off is put apart: if the gap between them fills, the branch is at that run's end.

local function edges_from(commit)
  local raw = redis.call('HGET', chain, 'next ' .. ref .. ' ' .. commit)
  return raw and cjson.decode(raw) or {}
end

local function keep_edge()
  if before == '' then return end
  local list = edges_from(before)
  for at, commit in ipairs(list) do if commit == after then table.remove(list, at) break end end
  list[#list + 1] = after
  if #list > 8 then table.remove(list, 1) end
  redis.call('HSET', chain, 'next ' .. ref .. ' ' .. before, cjson.encode(list))
  redis.call('ZADD', ages, now, ref .. ' ' .. before)
end

local function forget_old_edges()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', ages, '-inf', now - window, 'LIMIT', 0, 50)) do
    redis.call('HDEL', chain, 'next ' .. name)
    redis.call('ZREM', ages, name)
    local old_ref = string.match(name, '^(%S+)')
    if stream == 'refs/tags' and old_ref ~= ref then
      redis.call('HDEL', chain, 'head ' .. old_ref, 'time ' .. old_ref, 'run ' .. old_ref, 'apart ' .. old_ref,
                 'wanted ' .. old_ref)
    end
  end
  redis.call('PEXPIRE', chain, window)
  redis.call('PEXPIRE', ages, window)
end

-- Does the branch, as far as its edges are known, lead from one commit to the other?
local function leads(from, to)
  local queue, visited, at = { from }, { [from] = true }, 1
  while queue[at] and at <= LONGEST_WALK do
    for _, commit in ipairs(edges_from(queue[at])) do
      if commit == to then return true end
      if not visited[commit] then
        visited[commit] = true
        queue[#queue + 1] = commit
      end
    end
    at = at + 1
  end
  return false
end

local function runs_apart()
  local raw = redis.call('HGET', chain, 'apart ' .. ref)
  return raw and cjson.decode(raw) or {}
end

local function keep_runs(runs)
  while #runs > 8 do table.remove(runs, 1) end
  if #runs == 0 then redis.call('HDEL', chain, 'apart ' .. ref)
  else redis.call('HSET', chain, 'apart ' .. ref, cjson.encode(runs)) end
end

local function put_apart(head, time)
  local start = redis.call('HGET', chain, 'run ' .. ref)
  if not start or start == '' or start == '0' then return end
  local runs = runs_apart()
  runs[#runs + 1] = { start = start, to = head, time = time, at = now }
  keep_runs(runs)
end

-- Where the run begins that a push belongs to which doesn't follow the head: it may go on with one put apart.
local function run_of_push()
  local runs, start = runs_apart(), before
  for at, run in ipairs(runs) do
    if run.to == before then
      start = run.start
      table.remove(runs, at)
      keep_runs(runs)
      break
    end
  end
  return start
end

-- Has the gap in front of a run that was put apart been filled? Then the branch is where that run ends.
local function follow(commit, time)
  local runs, left, joined = runs_apart(), {}, true
  while joined do
    joined, left = false, {}
    for _, run in ipairs(runs) do
      local later = time == 0 or run.time == 0 or run.time >= time
      if now - run.at > REORDERED_WITHIN then
        -- too long ago to be a matter of reordered deliveries
      elseif not joined and run.start == commit and later then
        commit, time, joined = run.to, math.max(time, run.time), true
      else
        left[#left + 1] = run
      end
    end
    runs = left
  end
  keep_runs(runs)
  return commit, time
end

-- Where the push stands: 'newer', 'same' or 'stale', and where the branch is. Moves the head if newer.
local function place()
  local head = redis.call('HGET', chain, 'head ' .. ref)
  local head_time = tonumber(redis.call('HGET', chain, 'time ' .. ref)) or 0
  if not head and stream == 'refs/tags' then
    head_time = tonumber(redis.call('HGET', chain, 'time')) or 0
  end
  if head == after then
    keep_edge()
    redis.call('HSET', chain, 'time ' .. ref, string.format('%d', math.max(head_time, pushed_at)))
    return 'same', head
  end
  local earlier = pushed_at > 0 and head_time > 0 and pushed_at < head_time
  local follows = head ~= false and before == head
  -- The host's clock may say that a push which seems to follow is one that the branch has gone back from.
  if follows and earlier and leads(after, head) then follows = false end
  local past = head and not follows and leads(after, head)
  local older = not follows and earlier
  keep_edge()
  if past or older then
    if redis.call('HGET', chain, 'run ' .. ref) == after then
      -- It came late and belongs in front of the current run.
      redis.call('HSET', chain, 'run ' .. ref, run_of_push())
    end
    return 'stale', head or ''
  end
  if not follows then
    local start = run_of_push()
    if head then put_apart(head, head_time) end
    redis.call('HSET', chain, 'run ' .. ref, start)
  end
  local reached, time = follow(after, pushed_at)
  time = math.max(time, head_time)
  redis.call('HSET', chain, 'head ' .. ref, reached, 'time ' .. ref, string.format('%d', time))
  local newest = math.max(time, tonumber(redis.call('HGET', chain, 'time')) or 0)
  redis.call('HSET', chain, 'time', string.format('%d', newest))
  if head == reached then return 'stale', reached end
  return 'newer', reached
end

-- The deploys --------------------------------------------------------------------------------------

-- Those of the stream that wait, in their order, the one that has its turn, and how many others are open (those
-- of another stream count as one).
local function open_of_stream()
  check_open(row, deploys, open)
  local queue, active, others = {}, nil, redis.call('HLEN', open) - redis.call('HEXISTS', open, stream)
  for _, raw in ipairs(load_raw(deploys, open_in(open, stream))) do
    local deploy = cjson.decode(raw)
    if waits(deploy) then
      queue[#queue + 1] = deploy
    elseif deploy.state ~= 'pending' then
      active = deploy
    else
      others = others + 1
    end
  end
  return queue, active, others
end

local function add_delivery(deploy)
  if delivery_id == '' then return end
  local list = deploy.deliveries or {}
  list[#list + 1] = delivery_id
  while #list > kept do table.remove(list, 1) end
  deploy.deliveries = list
end

local function create(commit, code)
  local most = tonumber(ARGV[19])
  if most > 0 and redis.call('HEXISTS', open, stream) == 0 and redis.call('HLEN', open) >= most then
    -- Not remembered as answered: when it comes again, there may be room.
    return told({ outcome = 'rejected', code = 'too-many-open', deploy = 0, other = most, wake = 0 })
  end
  local number = redis.call('HINCRBY', row, 'seq', 1)
  fresh.number, fresh.created_at, fresh.wanted_at, fresh.commit = number, now, now, commit
  fresh.came_at = replays
  add_delivery(fresh)
  save(deploys, fresh)
  -- Should the target have been removed before, and its history be about to expire.
  redis.call('PERSIST', row)
  redis.call('PERSIST', deploys)
  add_open(open, stream, number)
  redis.call('HSET', chain, 'last', number)
  local wake = touch(row, due, target, now, grace)
  if is_held(row, paused) then return answer('held', 'paused', number, '', wake) end
  return answer('accepted', code, number, '', wake)
end

local function supersede(queue, up_to, number)
  for at = 1, every == 0 and up_to or 0 do
    queue[at].superseded_by = number
    queue[at].why = string.format('a newer commit came: %s/%d', target, number)
    close(row, deploys, open, queue[at], 'superseded', now)
  end
end

-- The newest that waits is given the commit. Pushes are merged into it: with those before it (a push that a
-- redeploy stood behind) nothing is to be done any more. One that was started before and waits again keeps its
-- commit: a number stands for one, and the greater number for the newer.
local function coalesce(queue, commit, code)
  local waiting = queue[#queue]
  if (waiting.attempt or 0) > 0 then
    local reply = create(commit, 'new')
    supersede(queue, #queue, fresh.number)
    return reply
  end
  supersede(queue, #queue - 1, waiting.number)
  waiting.commit, waiting.ref, waiting.before = commit, ref, fresh.before
  waiting.title, waiting.requested_by, waiting.reason = fresh.title, fresh.requested_by, 'push'
  waiting.note = nil
  waiting.wanted_at, waiting.came_at = now, replays
  waiting.merged = (waiting.merged or 0) + 1
  add_delivery(waiting)
  save(deploys, waiting)
  redis.call('HSET', chain, 'last', waiting.number)
  local wake = touch(row, due, target, now, grace)
  if is_held(row, paused) then return answer('held', 'paused', waiting.number, '', wake) end
  return answer('coalesced', code, waiting.number, '', wake)
end

local function run_again()
  local queue = open_of_stream()
  if #queue > 0 and every == 0 then return coalesce(queue, fresh.commit, 'again') end
  return create(fresh.commit, 'again')
end

-- Somebody pressed Redeliver: worth another run only if the last one came to nothing and nothing is newer.
local function again(number)
  local deploy = load(deploys, number)
  if not deploy or redis.call('HGET', chain, 'last') ~= string.format('%d', deploy.number) then return false end
  if redis.call('HGET', chain, 'wanted ' .. ref) ~= fresh.commit or deploy.commit ~= fresh.commit then return false end
  return deploy.state == 'failed' or deploy.state == 'lost' or deploy.state == 'cancelled'
end

local function unchanged(commit)
  local number = string.match(redis.call('HGET', row, 'begun') or '', ' (%d+)$')
  local last = number and load(deploys, number)
  return last and last.commit == commit and last.state == 'succeeded' and last.number
end

-- What was pushed since a delivery came stays when it is replayed: the code and what is there now, or nothing.
local function overtaken_since()
  local head = redis.call('HGET', chain, 'head ' .. ref)
  if head and head ~= after then
    local head_time = tonumber(redis.call('HGET', chain, 'time ' .. ref)) or 0
    local newer = head == before or (head_time > 0 and pushed_at > head_time)
    -- The branch was there, and has left.
    for _, commit in ipairs(edges_from(before)) do newer = newer and commit ~= after end
    if not newer then return head == '0' and 'deleted-since' or 'left-behind', head end
  end
  for _, raw in ipairs(redis.call('HVALS', deploys)) do
    local deploy = cjson.decode(raw)
    local came = (deploy.came_at or 0) > 0 and deploy.came_at or deploy.wanted_at
    local pushed = (deploy.reason or 'push') == 'push' and came or 0
    if deploy.ref ~= ref and pushed > replays then return 'pushed-since', deploy.number end
  end
end

-- The order of the questions ------------------------------------------------------------------------

if delivery_id ~= '' then
  local first = redis.call('HGET', delivery, field)
    or former ~= '' and redis.call('HGET', delivery, former .. ' ' .. ref .. ' ' .. after)
  if first then
    local reply = cjson.decode(first)
    if reply.deploy ~= 0 and again(reply.deploy) then return run_again() end
    reply.repeated = true
    return told(reply)
  end
end

local earlier = replays == 0 and redis.call('GET', seen)
-- Without the host's time, the same push may come again for good reason: there, back, and there again.
local moves = pushed_at == 0 and redis.call('HGET', chain, 'head ' .. ref) == before and before ~= after
if earlier and not moves then
  if again(earlier) then return run_again() end
  return answer('duplicate', 'seen', tonumber(earlier))
end

if replays > 0 then
  local code, other = overtaken_since()
  if code then return answer('stale', code, 0, other) end
end

local standing, commit = place()
forget_old_edges()
if gone then
  redis.call('HDEL', chain, 'wanted ' .. ref)
  return answer('filtered', 'deleted')
end
if ARGV[12] == 'passing' then return answer('filtered', 'passing') end
if standing == 'stale' then return answer('stale', 'moved-past', 0, commit) end
if commit == '0' then return answer('stale', 'deleted-since') end
local overtaken = commit ~= after
if not overtaken then commit = fresh.commit end
redis.call('HSET', chain, 'wanted ' .. ref, commit)

local queue, active, others = open_of_stream()
local waiting = queue[#queue]
if waiting and waiting.commit == commit then
  -- A redeploy can be given another commit; one that stands for a push can not.
  if waiting.reason == 'redeploy' then return coalesce(queue, commit, 'same-waits') end
  return answer('coalesced', 'same-waits', waiting.number)
end
if waiting and every == 0 then return coalesce(queue, commit, 'waiting') end
if waiting and #queue >= every then return coalesce(queue, commit, 'full') end
-- Behind what waits, where every push is deployed, even the commit that runs comes again.
if active and not waiting and active.commit == commit and active.state ~= 'stopping' then
  return answer('coalesced', 'same-runs', active.number)
end
local done = not active and not waiting and others == 0 and unchanged(commit)
if done then return answer('unchanged', 'succeeded', 0, done) end
return create(commit, overtaken and 'overtaken' or replays > 0 and 'replayed' or 'new')
