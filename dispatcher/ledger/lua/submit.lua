-- Takes one push for one target: deduplicates, orders by the chain of commits, coalesces, wakes.
-- Includes: _chain, _wanted, _head
--
-- KEYS  1 row        hash    version, seq, woken …
--       2 deploys    hash    number -> deploy (JSON)
--       3 chain      hash    of the stream: of each ref what _chain.lua lists, and of the stream as a whole "last"
--                            (number of its newest deploy), for tags "newest" and "time" (the one that was asked
--                            for last of those that are dated, and when it was pushed)
--       4 ages       zset    when each ref and each edge was last pushed, see _chain.lua
--       5 seen       string  number of the deploy that this very push went to
--       6 delivery   hash    "<target> <ref> <commit>" -> first answer (JSON)
--       7 due        zset    target -> time
--       8 paused     string  there while everything is paused
--       9 renamed    hash    a name that a target had -> "name time": the one that it has, and since when
--       10 former    hash    row of the name that the target had before; its own row where there is none
--       11 trail     hash    the delivery's entry in the trail, expires: step -> reply (JSON)
--       12 open      hash    stream -> numbers of its deploys that are not over
--       13 times     zset    ref -> newest time of its host that is known: outlives the chain
-- ARGV  1 target  2 ref  3 before  4 after  5 pushed_at (ms or 0)  6 the deploy, new (JSON)
--       7 delivery id ("" if none)  8 remember deliveries (s)  9 remember edges (ms)  10 grace (ms)
--       11 deliveries kept in a deploy  12 "wanted", or why the push only moves the branch: "paths" (the files that
--       it lists are not wanted) or "passing"
--       13 how many of a stream may wait where every push is deployed, 0 where they are merged
--       14 name that the target had before, "" for none  15 for how long after a rename pushes come under that (ms)
--       16 step of the entry that this is, "" where none is kept  17 for how long the entry is kept (s)
--       18 when the delivery first came that this one replays (ms), 0 for one that comes by itself
--       19 of how many streams deploys may be open, 0 for any number
--       20 by how much a host's time may be ahead (ms)  21 remember times (ms)  22 refs whose times are kept
--       23 why the target does not want it, "" if it does
-- Reply JSON {outcome, code, deploy = number or 0, other = number or text, wake = number or 0, repeated,
--       why = code of what else is to be said, at = commit that is deployed where that is not the push's,
--       gap = where the branch was before unknown files, "" else, ahead = the host's time was not used}
--       or "elsewhere <name>": nothing was written, the target's row is under that name

local row, deploys, chain, ages, seen, delivery, due, paused, renamed, former_row, trail, open, times = unpack(KEYS)
local target, sent_ref, kind = ARGV[1], ARGV[2], ARGV[12]
local fresh, delivery_id = cjson.decode(ARGV[6]), ARGV[7]
local every = tonumber(ARGV[13])
local remember, window, grace, kept = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local former, step, replays = ARGV[14], ARGV[16], tonumber(ARGV[18])
local field = target .. ' ' .. sent_ref .. ' ' .. ARGV[4]
local now = now_ms()
local stream = fresh.stream

local function none(commit) return string.match(commit, '^0+$') and '0' or commit end
local ref = ref_in(chain, ages, sent_ref, now, tonumber(ARGV[20]))
local push = { before = none(ARGV[3]), after = none(ARGV[4]), time = usable(ref, ARGV[5]), commit = fresh.commit }
local gone = push.after == '0'
local is_ahead = push.time == 0 and tonumber(ARGV[5]) > 0

-- Where the target's row is: around a rename, web may have read the configuration before the watcher, or after ----

local name, since = string.match(redis.call('HGET', renamed, target) or '', '^(%S+) (%d+)$')
if name and now - tonumber(since) < tonumber(ARGV[15]) then return 'elsewhere ' .. name end
if former ~= '' and redis.call('EXISTS', former_row) == 1 and redis.call('HEXISTS', renamed, former) == 0
  and redis.call('HEXISTS', row, 'attempted') == 0 then return 'elsewhere ' .. former end

-- The answer ------------------------------------------------------------------------------------

local aside = {} -- what else is to be said: why, at, gap

local function told(reply)
  reply.ahead = is_ahead or nil
  local text = cjson.encode(reply)
  if step ~= '' then
    redis.call('HSET', trail, step, text)
    redis.call('EXPIRE', trail, tonumber(ARGV[17]))
  end
  return text
end

local function answer(outcome, code, deploy, other, wake)
  local reply = { outcome = outcome, code = code, deploy = deploy or 0, other = other or '', wake = 0,
                  why = aside.why, at = aside.at, gap = aside.gap }
  if delivery_id ~= '' then
    redis.call('HSET', delivery, field, cjson.encode(reply))
    redis.call('EXPIRE', delivery, remember)
  end
  if reply.deploy ~= 0 then redis.call('SET', seen, reply.deploy, 'EX', remember) end
  reply.wake = wake or 0
  return told(reply)
end

-- Times of the host -----------------------------------------------------------------------------------

local function newest_time() return usable(ref, redis.call('ZSCORE', times, sent_ref) or 0) end

local function note_time()
  if push.time == 0 then return end
  redis.call('ZADD', times, 'GT', string.format('%d', push.time), sent_ref)
  redis.call('ZREMRANGEBYRANK', times, 0, -1 - tonumber(ARGV[22]))
  redis.call('PEXPIRE', times, tonumber(ARGV[21]))
end

-- Where tags are merged, the one that was pushed last is what counts. Its name, if another is newer.
local function newer_tag()
  if stream ~= 'refs/tags' or every > 0 then return nil end
  local name, time = redis.call('HGET', chain, 'newest'), usable(ref, redis.call('HGET', chain, 'time') or 0)
  local own = usable(ref, get(ref, 'dated'))
  return name and name ~= sent_ref and own > 0 and own < time and string.sub(name, 11) or nil
end

local function note_tag()
  local own = usable(ref, get(ref, 'dated'))
  if stream ~= 'refs/tags' or own == 0 then return end
  redis.call('HSET', chain, 'newest', sent_ref, 'time', string.format('%d', own))
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

-- No more branches may have something open, and this one has nothing.
local function is_full()
  local most = tonumber(ARGV[19])
  return most > 0 and redis.call('HEXISTS', open, stream) == 0 and redis.call('HLEN', open) >= most and most
end

local function create(commit, code)
  local most = is_full()
  if most then
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
  waiting.commit, waiting.ref, waiting.before = commit, sent_ref, fresh.before
  waiting.title, waiting.requested_by, waiting.reason = fresh.title, fresh.requested_by, fresh.reason
  waiting.note = fresh.note
  waiting.wanted_at, waiting.came_at = now, replays
  waiting.merged = (waiting.merged or 0) + 1
  add_delivery(waiting)
  save(deploys, waiting)
  redis.call('HSET', chain, 'last', waiting.number)
  local wake = touch(row, due, target, now, grace)
  if is_held(row, paused) then return answer('held', 'paused', waiting.number, '', wake) end
  return answer('coalesced', code, waiting.number, '', wake)
end

local function run_again(commit)
  local queue = open_of_stream()
  if commit ~= fresh.commit then aside.at, fresh.title, fresh.before = commit, nil, nil end
  if #queue > 0 and every == 0 then return coalesce(queue, commit, 'again') end
  return create(commit, 'again')
end

-- What a Job sees is a commit and the branch or tag that it stands on: the same commit under another is another.
local function is_of(deploy, commit) return deploy.commit == commit and deploy.ref == sent_ref end

-- Somebody pressed Redeliver: worth another run only if the last one came to nothing and nothing is newer.
local function again(number, commit)
  local deploy = load(deploys, number)
  if not deploy or redis.call('HGET', chain, 'last') ~= string.format('%d', deploy.number) then return false end
  if get(ref, 'wanted') ~= commit or not is_of(deploy, commit) then return false end
  return deploy.state == 'failed' or deploy.state == 'lost' or deploy.state == 'cancelled'
end

local function unchanged(commit)
  local number = string.match(redis.call('HGET', row, 'begun') or '', ' (%d+)$')
  local last = number and load(deploys, number)
  return last and is_of(last, commit) and last.state == 'succeeded' and last.number
end

-- What was pushed since a delivery came stays when it is replayed: the code and what is there now, or nothing.
local function left_since()
  local head = get(ref, 'head')
  if not head or head == push.after then return end
  local time = usable(ref, get(ref, 'time'))
  local newer = head == push.before or (time > 0 and push.time > time)
  -- The branch was there, and has left.
  for _, commit in ipairs(edges_from(ref, push.before)) do newer = newer and commit ~= push.after end
  if not newer then return head == '0' and 'deleted-since' or 'left-behind', head end
end

local function pushed_since()
  for _, raw in ipairs(redis.call('HVALS', deploys)) do
    local deploy = cjson.decode(raw)
    local reason = deploy.reason or 'push'
    local came = (deploy.came_at or 0) > 0 and deploy.came_at or deploy.wanted_at
    local pushed = (reason == 'push' or reason == 'replay') and came or 0
    if deploy.ref ~= sent_ref and pushed > replays then return deploy.number end
  end
end

-- A replay of what lies, as far as edges are known, after all that was asked for: of what was filtered, say.
local function is_missed()
  local last = kind == 'wanted' and asked(ref)
  return last and leads(ref, last.commit, push.after) and not leads(ref, push.after, last.commit)
end

-- The ref is deployed where it is, by whatever push it came to that.
local function deploy(head, code)
  local commit = head == push.after and fresh.commit or get(ref, 'peeled') or head
  if head ~= push.after then aside.at, fresh.title, fresh.before = commit, nil, nil end
  local queue, active, others = open_of_stream()
  if is_full() then
    owe(ref, head, commit)
  else
    ask(ref, head, commit)
    note_tag()
  end

  local waiting = queue[#queue]
  if waiting and is_of(waiting, commit) then
    -- A redeploy can be given another commit; one that stands for a push can not.
    if waiting.reason == 'redeploy' then return coalesce(queue, commit, 'same-waits') end
    return answer('coalesced', 'same-waits', waiting.number)
  end
  if waiting and every == 0 then return coalesce(queue, commit, 'waiting') end
  if waiting and #queue >= every then return coalesce(queue, commit, 'full') end
  -- Behind what waits, where every push is deployed, even the commit that runs comes again.
  if active and not waiting and is_of(active, commit) and active.state ~= 'stopping' then
    return answer('coalesced', 'same-runs', active.number)
  end
  local done = not active and not waiting and others == 0 and unchanged(commit)
  if done then return answer('unchanged', 'succeeded', 0, done) end
  return create(commit, code)
end

-- Why the ref is to be deployed now, nil if it is not. Also a push that is not wanted can close the gap in front of
-- one that was, and one that came late can stand for what no deploy has had.
local function due_for(place)
  if kind == 'wanted' and place.standing ~= 'stale' then return place.head ~= push.after and 'overtaken' or 'new' end
  if kind == 'paths' and place.standing == 'newer' then
    aside.gap = get(ref, 'gap')
    if aside.gap then return 'gap' end
    local last = place.back and asked(ref)
    if last and last.commit ~= push.after then return 'back' end
  end
  if not place.head then return nil end
  if kind == 'wanted' and not covered(ref, push.after, push.time) then return 'late' end
  return is_owed(ref) and 'owed' or nil
end

-- The order of the questions ------------------------------------------------------------------------

if delivery_id ~= '' then
  local first = redis.call('HGET', delivery, field)
    or former ~= '' and redis.call('HGET', delivery, former .. ' ' .. sent_ref .. ' ' .. ARGV[4])
  if first then
    local reply = cjson.decode(first)
    local commit = reply.at or fresh.commit
    if reply.deploy ~= 0 and again(reply.deploy, commit) then return run_again(commit) end
    reply.repeated = true
    return told(reply)
  end
end

local earlier = replays == 0 and redis.call('GET', seen)
-- Without the host's time, the same push may come again for good reason: there, back, and there again.
local moves = tonumber(ARGV[5]) == 0 and get(ref, 'head') == push.before and push.before ~= push.after
if earlier and not moves then
  if again(earlier, fresh.commit) then return run_again(fresh.commit) end
  return answer('duplicate', 'seen', tonumber(earlier))
end

if replays > 0 then
  local code, other = left_since()
  local number = pushed_since()
  if code == 'left-behind' and not number and is_missed() then
    aside.why = 'late'
    return deploy(other, 'new')
  end
  if code then return answer('stale', code, 0, other) end
  if number then return answer('stale', 'pushed-since', 0, number) end
end

local place = take(ref, push, newest_time())
renew(ref, window)
note_time()
if gone and place.standing ~= 'stale' and place.head == '0' then ask_nothing(ref) end

local why, newer = due_for(place), newer_tag()
if why and not newer and place.head ~= '0' then
  if why ~= 'new' then aside.why = why end
  return deploy(place.head, replays > 0 and 'replayed' or 'new')
end
if gone then return answer('filtered', 'deleted') end
if kind ~= 'wanted' then return answer('filtered', 'passing', 0, ARGV[23]) end
if why and newer then return answer('stale', 'older-tag', 0, newer) end
if not place.head then return answer('stale', 'older') end
if place.head == '0' then return answer('stale', 'deleted-since') end
return answer('stale', 'moved-past', 0, place.head)
