-- Turns a push into a deploy: creates one for it, or gives its commit to the newest one that waits in its stream.
-- Includes: _open, _chain, _answer
--
-- Of a push this takes, beyond what _answer.lua lists, {stream, deploy (the one that it would create)}.

-- A Job sees a commit and its branch or tag: the same commit on another branch or tag is another deploy.
local function is_of(push, deploy, commit) return deploy.commit == commit and deploy.ref == push.ref.name end

-- The stream's waiting deploys in their order, its active deploy, and how many others are open (all open deploys of
-- another stream count as one).
local function open_of_stream(push)
  local target, stream = push.target, push.stream
  check_open(target)
  local queue, active = {}, nil
  local others = redis.call('HLEN', target.open) - redis.call('HEXISTS', target.open, stream)
  for _, raw in ipairs(load_raw(target, open_in(target, stream))) do
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

-- The limit of streams with open deploys, if it is reached and this stream has none.
local function is_full(push)
  local most, open = push.arg.most_open, push.target.open
  return most > 0 and redis.call('HEXISTS', open, push.stream) == 0 and redis.call('HLEN', open) >= most and most
end

local function add_delivery(push, deploy)
  if push.arg.delivery == '' then return end
  local ids = deploy.deliveries or {}
  ids[#ids + 1] = push.arg.delivery
  while #ids > push.arg.deliveries do table.remove(ids, 1) end
  deploy.deliveries = ids
end

-- The push is in this deploy: stores it, wakes the target, answers.
local function taken(push, deploy, outcome, code)
  deploy.wanted_at, deploy.came_at = push.target.now, push.arg.replays
  add_delivery(push, deploy)
  save(push.target, deploy)
  note(push.target, deploy, outcome == 'accepted' and 'created' or 'coalesced', nil, deploy.requested_by)
  redis.call('HSET', push.ref.chain, 'last', deploy.number)
  local wake = touch(push.target)
  if is_held(push.target) then return answer(push, 'held', 'paused', deploy.number, '', wake) end
  return answer(push, outcome, code, deploy.number, '', wake)
end

local function create(push, commit, code)
  local target, deploy, most = push.target, push.deploy, is_full(push)
  -- The answer is not stored: when the push comes again, there may be room.
  if most then
    return respond(push, { outcome = 'rejected', code = 'too-many-open', deploy = 0, other = most, wake = 0 })
  end
  deploy.number, deploy.created_at, deploy.commit = redis.call('HINCRBY', target.row, 'seq', 1), target.now, commit
  -- If the target was removed before, its history may be about to expire.
  redis.call('PERSIST', target.row)
  redis.call('PERSIST', target.deploys)
  redis.call('PERSIST', target.timelines)
  add_open(target, push.stream, deploy.number)
  return taken(push, deploy, 'accepted', code)
end

local function supersede(push, queue, up_to, number)
  for at = 1, push.arg.every == 0 and up_to or 0 do
    queue[at].superseded_by = number
    queue[at].why = string.format('a newer commit came: %s/%d', push.target.name, number)
    close(push.target, queue[at], 'superseded')
  end
end

-- Gives the commit to the newest waiting deploy, and so merges the push into it. Supersedes those that wait before it
-- (a push's, where a redeploy waits behind it). A deploy that was started before and waits again keeps its commit: a
-- number that was started stands for one commit, and a greater number for a newer one.
local function coalesce(push, queue, commit, code)
  local waiting, new = queue[#queue], push.deploy
  if (waiting.attempt or 0) > 0 then
    local reply = create(push, commit, 'new')
    supersede(push, queue, #queue, new.number)
    return reply
  end
  supersede(push, queue, #queue - 1, waiting.number)
  waiting.commit, waiting.ref, waiting.before = commit, push.ref.name, new.before
  waiting.title, waiting.requested_by, waiting.reason, waiting.note = new.title, new.requested_by, new.reason, new.note
  waiting.merged = (waiting.merged or 0) + 1
  return taken(push, waiting, 'coalesced', code)
end

-- The deploy gets another commit than the push's own, so the push's title and `before` don't describe it.
local function stand_for(push, commit) push.also.at, push.deploy.title, push.deploy.before = commit, nil, nil end
