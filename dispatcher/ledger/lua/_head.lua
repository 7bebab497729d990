-- Where a branch or tag is after a push.
-- Includes: _chain
--
-- Pushes that follow one another form a run. A push that does not follow begins a run of its own, and the run
-- that it cuts off is put apart: {start, to, time, at (when that was, ms), held, peeled}. If the gap between them
-- fills, the ref is at that run's end.
--
-- A push is a table {before, after ("0" for none), time (ms, 0 for none), commit (behind `after`)}.

local REORDERED_WITHIN = 3600 * 1000 -- ms
local MOST_RUNS = 8

local function runs_apart(ref)
  local raw = get(ref, 'apart')
  return raw and cjson.decode(raw) or {}
end

local function keep_runs(ref, runs)
  while #runs > MOST_RUNS do table.remove(runs, 1) end
  put(ref, 'apart', #runs > 0 and cjson.encode(runs) or nil)
end

local function put_apart(ref, head)
  local start = get(ref, 'run') or ''
  if start ~= '' and start ~= '0' then
    local runs = runs_apart(ref)
    runs[#runs + 1] = { start = start, to = head, time = tonumber(get(ref, 'dated')) or 0, at = ref.now,
                        held = get(ref, 'held'), peeled = get(ref, 'peeled') }
    keep_runs(ref, runs)
  end
  put(ref, 'held', nil)
end

-- The run that was put apart and that a push goes on with; it is no longer apart.
local function taken_run(ref, push)
  local runs = runs_apart(ref)
  for at, run in ipairs(runs) do
    if run.to == push.before then
      table.remove(runs, at)
      keep_runs(ref, runs)
      return run
    end
  end
  return { start = push.before }
end

-- A push that came late belongs in front of the current run.
local function go_in_front(ref, push)
  local run = taken_run(ref, push)
  put(ref, 'run', run.start)
  if not get(ref, 'held') then put(ref, 'held', run.held) end
  local gap = get(ref, 'gap')
  if gap and (gap == push.before or leads(ref, gap, push.before)) then put(ref, 'gap', nil) end
end

-- A push that does not follow is where the ref is.
local function begin_run(ref, push, head)
  local run = taken_run(ref, push)
  if head then
    put_apart(ref, head)
    if push.before ~= '' and not get(ref, 'gap') then put(ref, 'gap', head) end
  end
  put(ref, 'run', run.start)
  put(ref, 'held', run.held)
end

-- Whether a run that was put apart continues from where the ref is now.
local function goes_on(ref, run, at)
  local time = usable(ref, run.time)
  if at.time > 0 and time > 0 and time < at.time then return false end
  return run.start == at.commit or leads(ref, at.commit, run.start)
end

-- Removes and returns the first run that continues from there.
local function next_run(ref, runs, at)
  for number, run in ipairs(runs) do
    if goes_on(ref, run, at) then return table.remove(runs, number) end
  end
end

-- Where the ref is after a push. If the push, or one that came late before it, has filled the gap in front of a run
-- that was put apart, that is where that run ends.
local function follow(ref, push)
  local at, kept, runs = { commit = push.after, time = push.time, peeled = push.commit }, runs_apart(ref), {}
  if #kept == 0 then return at end
  for _, run in ipairs(kept) do
    -- A run that was put apart longer ago is not one of reordered deliveries.
    if ref.now - run.at <= REORDERED_WITHIN then runs[#runs + 1] = run end
  end
  local run = next_run(ref, runs, at)
  while run do
    at = { commit = run.to, time = usable(ref, run.time), peeled = run.peeled or run.to }
    if run.held then put(ref, 'held', run.held) end
    run = next_run(ref, runs, at)
  end
  keep_runs(ref, runs)
  return at
end

local function set_head(ref, at, known)
  put(ref, 'peeled', at.peeled ~= at.commit and at.peeled or nil)
  put_all(ref, { 'head', at.commit, 'dated', string.format('%d', at.time),
                 'time', string.format('%d', math.max(at.time, known)) })
end

-- Whether another push had led to the push's commit before. Nobody knows of one if the commit begins a run. A deletion
-- counts as second, since a branch can be deleted any number of times.
local function is_second(ref, push)
  if push.after == '0' then return true end
  if is_edge(ref, push.before, push.after) then return false end
  for _, run in ipairs(runs_apart(ref)) do if run.start == push.after then return false end end
  return get(ref, 'run') ~= push.after
end

-- What the chain and the clock say of a push that does not lead to where the ref is: whether it follows on that,
-- whether the ref has moved past it, and whether it is earlier than what is known (`time`).
local function judge(ref, push, head, time)
  local earlier = push.time > 0 and time > 0 and (push.time < time or not head and push.time == time)
  local follows = head ~= nil and push.before == head
  local past = head ~= nil and leads(ref, push.after, head, push.before)
  -- If the chain goes in a circle, the host's clock decides. A push that seems to follow may be one from which the ref
  -- has gone back. A push that the ref seems to have moved past may have gone back there, after pushes that were lost.
  if follows and past and earlier then follows = false end
  local later = push.time > time and usable(ref, get(ref, 'dated')) > 0
  if not follows and past and later and is_second(ref, push) then past = false end
  -- Without a time, a push that came before is the same one again: if the ref had been there twice, it would follow.
  if not follows and push.time == 0 and is_edge(ref, push.before, push.after) then past = true end
  return follows, past, earlier
end

-- The push leads to where the ref is already.
local function stay(ref, push, head, time)
  keep_edge(ref, push.before, push.after)
  put_all(ref, { 'dated', string.format('%d', math.max(usable(ref, get(ref, 'dated')), push.time)),
                 'time', string.format('%d', math.max(time, push.time)) })
  return { standing = 'same', head = head }
end

local function move(ref, push, head, time, follows)
  if not follows then begin_run(ref, push, head) end
  -- From a push that follows on, the host's clock counts again, instead of Redis' when an operator set the head.
  if follows and push.time > 0 and time == tonumber(get(ref, 'put')) then time = 0 end
  local at = follow(ref, push)
  set_head(ref, at, time)
  return at.commit
end

-- Applies a push. Returns {standing = "newer", "same" or "stale", head = where the ref is, nil if not known,
-- back = it went back there}. `known` is the newest known time of the ref's host, for a ref without a head.
local function take(ref, push, known)
  local head = get(ref, 'head')
  local time = head and usable(ref, get(ref, 'time')) or known
  if head == push.after then return stay(ref, push, head, time) end
  local follows, past, earlier = judge(ref, push, head, time)
  keep_edge(ref, push.before, push.after)
  if not follows and (past or earlier) then
    if get(ref, 'run') == push.after then go_in_front(ref, push) end
    return { standing = 'stale', head = head }
  end
  local now_at = move(ref, push, head, time, follows)
  -- The ref may end where it was before, if a run goes in a circle.
  return { standing = now_at == head and 'stale' or 'newer', head = now_at, back = follows and past }
end

-- An operator has said that the ref is at this commit: forgets what pushes have said of it before.
local function put_head(ref, commit)
  forget_chain(ref)
  set_head(ref, { commit = commit, time = ref.now }, 0)
  put(ref, 'run', commit)
  put(ref, 'put', string.format('%d', ref.now))
end
