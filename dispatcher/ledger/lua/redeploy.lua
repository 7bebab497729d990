-- Deploys what somebody asks for, under a number of its own or in place of what they asked for before.
-- Who names both a commit and its ref says where that ref is: its head and all that pushes have said of it before
-- are replaced by that. Otherwise the chain of commits is only read: no branch moves, and no push becomes stale.
-- Includes: _chain, _wanted, _head
--
-- KEYS  1 row  2 deploys  3 due  4 request (string: the answer to this request, JSON)
--       5 paused (string, there while everything is paused)
--       6 open (hash: stream -> numbers)
--       7 chain, 8 ages of the stream of the ref that is asked for, 9 times, see submit.lua; left out where none is
-- ARGV  1 target  2 asked by  3 note  4 grace (ms)  5 remember requests (s)  6 reason
--       7 digest that the row must have, 8 digest that it gets with this; both "" for any other reason
--       9 number of the deploy to run again, 0 for the newest
--       10 commit, "" for that deploy's, or for the newest that is known of the ref
--       11 ref, "" for that deploy's  12 stream of the ref  13 remember edges (ms)
-- Reply JSON {outcome, code, deploy, other = number, commit, ref, wake, put = the ref is taken to be at the commit};
--       outcome: accepted, coalesced, held, or "" where the code says what is missing

local row, deploys, due, request, paused, open, chain, ages, times = unpack(KEYS)
local target, asked_by, note, grace, reason = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[6]
local wanted, commit, ref, stream = tonumber(ARGV[9]), ARGV[10], ARGV[11], ARGV[12]
local now = now_ms()
local puts = commit ~= '' and ref ~= '' -- where the ref is from now on

local function reply(outcome, code, number, other, wake)
  local told = { outcome = outcome, code = code, deploy = number or 0, other = other or 0, commit = commit,
                 ref = ref, wake = 0, put = puts }
  if outcome ~= '' then redis.call('SET', request, cjson.encode(told), 'EX', tonumber(ARGV[5])) end
  told.wake = wake or 0
  return cjson.encode(told)
end

if ARGV[8] ~= '' then
  if (redis.call('HGET', row, 'digest') or '') ~= ARGV[7] then return reply('', 'changed-since') end
  redis.call('HSET', row, 'digest', ARGV[8])
end

local made = redis.call('GET', request)
if made then return made end

-- What is asked for ---------------------------------------------------------------------------------

local function newest()
  local highest = 0
  for _, number in ipairs(redis.call('HKEYS', deploys)) do highest = math.max(highest, tonumber(number)) end
  return load(deploys, string.format('%d', highest))
end

local like -- the deploy that tells what the request does not
if ref ~= '' then
  like = load(deploys, redis.call('HGET', chain, 'last') or 0)
  if commit == '' then
    commit = redis.call('HGET', chain, 'wanted ' .. ref) or ''
    if commit == '' then return reply('', 'unknown-ref') end
    ask_for_held(ref_in(chain, ages, ref, now, 0))
  end
elseif wanted ~= 0 then
  like = load(deploys, wanted)
  if not like then return reply('', 'unknown-deploy') end
else
  like = newest()
  if not like then return reply('', 'never-deployed') end
end
if ref == '' then ref, stream = like.ref, like.stream end
if commit == '' then commit = like.commit end
if not like or like.commit ~= commit or like.ref ~= ref then like = {} end

-- Where the ref is ------------------------------------------------------------------------------------

if puts then
  local at = ref_in(chain, ages, ref, now, 0)
  put_head(at, commit)
  ask(at, commit, commit)
  redis.call('ZREM', times, ref)
  -- Of tags that are merged it is the newest.
  if stream == 'refs/tags' then redis.call('HSET', chain, 'newest', ref, 'time', string.format('%d', now)) end
  renew(at, tonumber(ARGV[13]))
end

-- What waits -----------------------------------------------------------------------------------------

local function last_waiting()
  local numbers = reason == 'spec-change' and open_numbers(open) or open_in(open, stream)
  for at = #numbers, 1, -1 do
    local deploy = load(deploys, numbers[at])
    if deploy and waits(deploy) then return deploy end
  end
end

local function write(deploy)
  deploy.commit, deploy.ref, deploy.before, deploy.title = commit, ref, like.before, like.title
  deploy.reason, deploy.requested_by, deploy.note, deploy.wanted_at = reason, asked_by, note, now
  save(deploys, deploy)
  return touch(row, due, target, now, grace)
end

local function unless_held(outcome) return is_held(row, paused) and 'held' or outcome end

check_open(row, deploys, open)
local waiting = last_waiting()
if waiting and (reason == 'spec-change' or (waiting.commit == commit and waiting.ref == ref)) then
  return reply(unless_held('coalesced'), 'same-waits', waiting.number)
end
-- One that was started before keeps its commit; it is superseded by what stands behind it.
if waiting and waiting.reason == 'redeploy' and (waiting.attempt or 0) == 0 then
  return reply(unless_held('coalesced'), 'replaced', waiting.number, 0, write(waiting))
end

local number = redis.call('HINCRBY', row, 'seq', 1)
local wake = write({ target = target, number = number, state = 'pending', stream = stream, created_at = now })
add_open(open, stream, number)
if waiting then return reply(unless_held('accepted'), 'behind', number, waiting.number, wake) end
return reply(unless_held('accepted'), 'new', number, 0, wake)
