-- Whether a branch or tag is deployed after a push, at which commit, and by which deploy.
-- Includes: _coalesce, _wanted, _times

-- The number of the deploy that was started last, if it deployed this commit and succeeded.
local function unchanged(push, commit)
  local number = string.match(redis.call('HGET', push.target.row, 'begun') or '', ' (%d+)$')
  local last = number and load(push.target, number)
  return last and is_of(push, last, commit) and last.state == 'succeeded' and last.number
end

local function note_wanted(push, head, commit)
  if is_full(push) then return owe(push.ref, head, commit) end
  ask(push.ref, head, commit)
  note_newest_tag(push.ref, push.stream, usable(push.ref, get(push.ref, 'dated')))
end

-- Deploys the ref's head, which may be another commit than the push's.
local function deploy_head(push, head, code)
  local commit = head == push.after and push.commit or get(push.ref, 'peeled') or head
  if head ~= push.after then stand_for(push, commit) end
  local queue, active, others = open_of_stream(push)
  note_wanted(push, head, commit)

  local waiting, every = queue[#queue], push.arg.every
  if waiting and is_of(push, waiting, commit) then
    -- A later request may replace the commit of a redeploy, but not that of a deploy which stands for a push.
    if waiting.reason == 'redeploy' then return coalesce(push, queue, commit, 'same-waits') end
    return answer(push, 'coalesced', 'same-waits', waiting.number)
  end
  if waiting and every == 0 then return coalesce(push, queue, commit, 'waiting') end
  if waiting and #queue >= every then return coalesce(push, queue, commit, 'full') end
  -- If every push is deployed, a push behind a waiting deploy gets one of its own, even of the commit that runs.
  if active and not waiting and is_of(push, active, commit) and active.state ~= 'stopping' then
    return answer(push, 'coalesced', 'same-runs', active.number)
  end
  local done = not active and not waiting and others == 0 and unchanged(push, commit)
  if done then return answer(push, 'unchanged', 'succeeded', 0, done) end
  return create(push, commit, code)
end

-- Why the ref is to be deployed now, nil if it is not. An unwanted push can close the gap before a wanted one, and a
-- late push can lead to commits that no deploy has had.
local function due_for(push, at)
  local ref, wants = push.ref, push.arg.wants
  if wants == 'wanted' and at.standing ~= 'stale' then return at.head ~= push.after and 'overtaken' or 'new' end
  if wants == 'paths' and at.standing == 'newer' then
    push.also.gap = get(ref, 'gap')
    if push.also.gap then return 'gap' end
    local last = at.back and asked(ref)
    if last and last.commit ~= push.after then return 'back' end
  end
  if not at.head then return nil end
  if wants == 'wanted' and not covered(ref, push.after, push.time) then return 'late' end
  return is_owed(ref) and 'owed' or nil
end

-- If the target merges tags: a tag that was pushed later than this one.
local function newer_than(push) return push.arg.every == 0 and newer_tag(push.ref, push.stream) or nil end
