-- Deploys what somebody asks for, under a number of its own or in place of what they asked for before.
-- Who names both a commit and its ref says where that ref is: its head and all that pushes have said of it before
-- are replaced by that. Otherwise the chain of commits is only read: no branch moves, and no push becomes stale.
-- Includes: _open, _head, _wanted, _times
--
-- KEYS  1 row  2 deploys  3 due  4 request (string: the answer to this request, JSON)
--       5 paused (string, there while everything is paused)
--       6 open (hash: stream -> numbers)
--       7 chain, 8 ages of the stream of the ref that is asked for, 9 times, see submit.lua; left out where none is
-- ARGV  1 document
--   target    name
--   by        who asks
--   note      what they say
--   reason    of the deploy
--   was       digest that the row must have, and
--   digest    that it gets with this; both "" for any other reason than a changed Job
--   number    of the deploy to run again, 0 for the newest
--   commit    "" for that deploy's, or for the newest that is known of the ref
--   ref       "" for that deploy's
--   stream    of the ref
--   grace     ms after which a wake-up that no worker took counts as lost
--   remember  seconds for which the request is
--   edges     ms for which the chain is remembered
-- Reply document
--   outcome  accepted, coalesced, held, or "" where the code says what is missing
--   code     why
--   deploy   its number, or 0
--   other    number of the deploy that it stands behind, or 0
--   commit   that is deployed
--   ref      it is deployed as
--   wake     number of the wake-up to enqueue, or 0
--   put      the ref is taken to be at the commit from now on

local arg = cjson.decode(ARGV[1])
local row, deploys, due, request, paused, open, chain, ages, times = unpack(KEYS)
local now = now_ms()
local target = { name = arg.target, now = now, grace = arg.grace,
                 row = row, deploys = deploys, open = open, due = due, paused = paused }
local ref = arg.ref ~= '' and ref_in(chain, ages, arg.ref, now, 0)
-- What is to run, as it becomes known.
local run = { commit = arg.commit, ref = arg.ref, stream = arg.stream }
local is_put = arg.commit ~= '' and arg.ref ~= '' -- where the ref is from now on

-- The same request gets the same answer, but for the wake-up, which is on its way by then.
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

-- The deploy that tells what the request does not; nil and a code where nothing does.
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

local function write(deploy)
  deploy.commit, deploy.ref, deploy.before, deploy.title = run.commit, run.ref, run.before, run.title
  deploy.reason, deploy.requested_by, deploy.note, deploy.wanted_at = arg.reason, arg.by, arg.note, now
  save(target, deploy)
  return touch(target)
end

local function create()
  local number = redis.call('HINCRBY', row, 'seq', 1)
  local wake = write({ target = target.name, number = number, state = 'pending', stream = run.stream, created_at = now })
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
-- One that was started before keeps its commit; it is superseded by what stands behind it.
if waiting and waiting.reason == 'redeploy' and (waiting.attempt or 0) == 0 then
  return reply(unless_held('coalesced'), 'replaced', waiting.number, 0, write(waiting))
end
local number, wake = create()
if waiting then return reply(unless_held('accepted'), 'behind', number, waiting.number, wake) end
return reply(unless_held('accepted'), 'new', number, 0, wake)
