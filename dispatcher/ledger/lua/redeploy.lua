-- Records a redeploy that somebody asks for: as a new deploy, or in place of the redeploy that they asked for before.
-- A request that names both a commit and its ref moves the ref: the script replaces its head, and what pushes have
-- recorded of it, by that commit. Otherwise the script only reads the chain of commits: no branch moves, and no push
-- becomes stale.
-- Includes: _open, _head, _wanted, _times
--
-- KEYS  1 row  2 deploys  3 due  4 request (string: the answer to this request, JSON)
--       5 paused (string, there while everything is paused)
--       6 open (hash: stream -> numbers)
--       7 timelines  8 events  9 counts  10 index, see submit.lua
--       11 chain, 12 ages of the stream of the requested ref, 13 times, see submit.lua; left out if no ref is requested
-- ARGV  1 document
--   target    name
--   by        who asks
--   note      the reason that they give
--   reason    of the deploy
--   was       digest that the row must have, and
--   digest    the one that the script puts there; both "" unless the reason is spec-change
--   number    of the deploy to run again, 0 for the newest
--   commit    "" for that deploy's commit, or for the newest wanted commit of the ref
--   ref       "" for that deploy's ref
--   stream    of the ref
--   keep      how much is kept of what happened: {events, lines, deploys}, see _events.lua
--   grace     ms after which a wake-up that no worker took counts as lost
--   remember  seconds for which Redis keeps the request's answer
--   edges     ms for which Redis keeps the chain
-- Reply document
--   outcome  accepted, coalesced, held, or "" if nothing was recorded: the code says why
--   code     why
--   deploy   its number, or 0
--   other    number of the waiting deploy that it comes after, or 0
--   commit   that it deploys
--   ref      that it deploys the commit as
--   wake     number of the wake-up to enqueue, or 0
--   put      the script has set the ref's head to the commit

local arg = cjson.decode(ARGV[1])
local row, deploys, due, request, paused, open, timelines, events, counts, index, chain, ages, times = unpack(KEYS)
local now = now_ms()
local target = { name = arg.target, now = now, grace = arg.grace, keep = arg.keep,
                 row = row, deploys = deploys, open = open, due = due, paused = paused,
                 timelines = timelines, events = events, counts = counts, index = index }
local ref = arg.ref ~= '' and ref_in(chain, ages, arg.ref, now, 0)
-- What the deploy is to run; find() and complete() fill in what the request leaves out.
local run = { commit = arg.commit, ref = arg.ref, stream = arg.stream }
local is_put = arg.commit ~= '' and arg.ref ~= '' -- the request sets the ref's head

-- The same request gets the same answer again, without the wake-up: the first caller enqueues that.
local function reply(outcome, code, number, other, wake)
  local answer = { outcome = outcome, code = code, deploy = number or 0, other = other or 0, commit = run.commit,
                   ref = run.ref, wake = 0, put = is_put }
  if outcome ~= '' then redis.call('SET', request, cjson.encode(answer), 'EX', arg.remember) end
  answer.wake = wake or 0
  return cjson.encode(answer)
end

local function newest()
  local highest = 0
  for _, number in ipairs(redis.call('HKEYS', deploys)) do highest = math.max(highest, tonumber(number)) end
  return load(target, string.format('%d', highest))
end

-- The deploy that supplies what the request leaves out; nil and a code if there is none.
local function find()
  if not ref then
    if arg.number ~= 0 then return load(target, arg.number), 'unknown-deploy' end
    return newest(), 'never-deployed'
  end
  if run.commit == '' then
    run.commit = get(ref, 'wanted') or ''
    if run.commit == '' then return nil, 'unknown-ref' end
    ask_for_held(ref)
  end
  return load(target, redis.call('HGET', chain, 'last') or 0) or {}
end

local function complete(like)
  if not ref then run.ref, run.stream = like.ref, like.stream end
  if run.commit == '' then run.commit = like.commit end
  if like.commit == run.commit and like.ref == run.ref then run.before, run.title = like.before, like.title end
end

local function put_ref()
  put_head(ref, run.commit)
  ask(ref, run.commit, run.commit)
  redis.call('ZREM', times, ref.name)
  note_newest_tag(ref, run.stream, now)
  renew(ref, arg.edges)
end

local function last_waiting()
  local numbers = arg.reason == 'spec-change' and open_numbers(target) or open_in(target, run.stream)
  for at = #numbers, 1, -1 do
    local deploy = load(target, numbers[at])
    if deploy and waits(deploy) then return deploy end
  end
end

local function write(deploy, kind)
  deploy.commit, deploy.ref, deploy.before, deploy.title = run.commit, run.ref, run.before, run.title
  deploy.reason, deploy.requested_by, deploy.note, deploy.wanted_at = arg.reason, arg.by, arg.note, now
  save(target, deploy)
  note(target, deploy, kind, nil, arg.by)
  return touch(target)
end

local function create()
  local number = redis.call('HINCRBY', row, 'seq', 1)
  local wake = write({ target = target.name, number = number, state = 'pending', stream = run.stream, created_at = now },
                     'created')
  add_open(target, run.stream, number)
  return number, wake
end

local function unless_held(outcome) return is_held(target) and 'held' or outcome end

if arg.digest ~= '' then
  if (redis.call('HGET', row, 'digest') or '') ~= arg.was then return reply('', 'changed-since') end
  redis.call('HSET', row, 'digest', arg.digest)
end
local earlier = redis.call('GET', request)
if earlier then return earlier end
local like, missing = find()
if not like then return reply('', missing) end
complete(like)
if is_put then put_ref() end

check_open(target)
local waiting = last_waiting()
if waiting and (arg.reason == 'spec-change' or (waiting.commit == run.commit and waiting.ref == run.ref)) then
  return reply(unless_held('coalesced'), 'same-waits', waiting.number)
end
-- A redeploy that was started before keeps its commit; the new deploy, which comes after it, supersedes it.
if waiting and waiting.reason == 'redeploy' and (waiting.attempt or 0) == 0 then
  return reply(unless_held('coalesced'), 'replaced', waiting.number, 0, write(waiting, 'coalesced'))
end
local number, wake = create()
if waiting then return reply(unless_held('accepted'), 'behind', number, waiting.number, wake) end
return reply(unless_held('accepted'), 'new', number, 0, wake)
