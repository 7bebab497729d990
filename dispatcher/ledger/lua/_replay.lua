-- A replayed delivery undoes nothing that was pushed since it first came.
-- Includes: _standing

-- Whether the push leads on from where the ref is. A ref that is deleted can be created any number of times: of a
-- creation from before somebody set the ref's head, which forgot the chain, nobody knows any more whether it is new.
local function follows_head(push, head)
  if head ~= push.before then return false end
  return head ~= '0' or (tonumber(get(push.ref, 'put')) or 0) < push.arg.replays
end

-- Why the ref stays where it is, as a code, and where that is; nil if the push may move it.
local function left_since(push)
  local ref, head = push.ref, get(push.ref, 'head')
  if not head or head == push.after then return nil end
  local time = usable(ref, get(ref, 'time'))
  local newer = follows_head(push, head) or (time > 0 and push.time > time)
  -- The branch was at this commit, and has left it.
  for _, commit in ipairs(edges_from(ref, push.before)) do newer = newer and commit ~= push.after end
  if not newer then return head == '0' and 'deleted-since' or 'left-behind', head end
end

-- The number of a deploy of another branch or tag that was pushed after it.
local function pushed_since(push)
  for _, raw in ipairs(redis.call('HVALS', push.target.deploys)) do
    local deploy = cjson.decode(raw)
    local reason = deploy.reason or 'push'
    local came = (deploy.came_at or 0) > 0 and deploy.came_at or deploy.wanted_at
    local pushed = (reason == 'push' or reason == 'replay') and came or 0
    if deploy.ref ~= push.ref.name and pushed > push.arg.replays then return deploy.number end
  end
end

-- Whether the known edges lead from the commit that was asked for last to the push's: it was filtered, for example.
local function is_missed(push)
  local last = push.arg.wants == 'wanted' and asked(push.ref)
  return last and leads(push.ref, last.commit, push.after) and not leads(push.ref, push.after, last.commit)
end

-- The answer to a replay that must not move the ref; nil if it may, or if the push is no replay.
local function outdated_replay(push)
  if push.arg.replays == 0 then return nil end
  local code, head = left_since(push)
  local number = pushed_since(push)
  if code == 'left-behind' and not number and is_missed(push) then
    push.also.why = 'late'
    return deploy_head(push, head, 'new')
  end
  if code then return answer(push, 'stale', code, 0, head) end
  if number then return answer(push, 'stale', 'pushed-since', 0, number) end
end
