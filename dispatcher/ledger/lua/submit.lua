-- Takes one push for one target: deduplicates, orders by the chain of commits, coalesces, wakes.
-- Includes: _redirect, _dedupe, _replay, _head
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
--       11 log       hash    the delivery's entry in the delivery log, expires: step -> reply (JSON)
--       12 open      hash    stream -> numbers of its deploys that are not over
--       13 times     zset    ref -> newest time of its host that is known: outlives the chain
-- ARGV  1 document
--   deploy      the deploy that it becomes if it gets a number of its own: target, stream, ref, commit …
--   before      where the ref was: an object name, zeros for none, "" where it is not known
--   after       where it is, likewise
--   pushed_at   the host's time (ms), 0 for none
--   delivery    its id, "" for none
--   wants       "wanted", or why the push only moves the branch: "paths" (the files that it lists are not wanted)
--               or "passing"
--   filtered    why the target does not want it, "" if it does
--   every       how many of a stream may wait where every push is deployed, 0 where they are merged
--   most_open   of how many streams deploys may be open, 0 for any number
--   former      name that the target had before, "" for none
--   reply_field  of the stored delivery, which is given the reply; "" where none is stored
--   keep_for    seconds for which that is
--   replays     when the delivery first came that this one replays (ms), 0 for one that comes by itself
--   clock_skew  ms by which a host's time may be ahead
--   remember    seconds for which deliveries and pushes are
--   edges       ms for which edges are
--   times       ms for which hosts' times are
--   refs        whose times are kept, at the most
--   deliveries  kept in a deploy, at the most
--   renamed     ms after a rename for which pushes come under the old name
--   grace       ms after which a wake-up that no worker took counts as lost
-- Reply document, or "redirect <name>": nothing was written, the target's row is under that name
--   outcome   accepted, coalesced, duplicate, unchanged, stale, filtered, held or rejected
--   code      why
--   deploy    its number, or 0
--   other     a number or a text that the code speaks of
--   wake      number of the wake-up to enqueue, or 0
--   repeated  the delivery came before, and this is what it was answered then
--   why       code of what else is to be said
--   at        commit that is deployed, where that is not the push's
--   gap       where the branch was before unknown files
--   ahead     the host's time was ahead of Redis' clock, and is not used

local arg = cjson.decode(ARGV[1])
local row, deploys, chain, ages, seen, delivery, due, paused, renamed, former_row, log, open, times = unpack(KEYS)
local target = { name = arg.deploy.target, now = now_ms(), grace = arg.grace,
                 row = row, deploys = deploys, open = open, due = due, paused = paused }
local ref = ref_in(chain, ages, arg.deploy.ref, target.now, arg.clock_skew)

local function none(commit) return string.match(commit, '^0+$') and '0' or commit end

local push = {
  arg = arg, target = target, ref = ref, stream = arg.deploy.stream, deploy = arg.deploy,
  before = none(arg.before), after = none(arg.after), commit = arg.deploy.commit, time = usable(ref, arg.pushed_at),
  delivery = delivery, seen = seen, log = log, also = {},
}
push.is_ahead = push.time == 0 and arg.pushed_at > 0

-- What is said of a push that deploys nothing; `newer` is a tag that was pushed later.
local function answer_only(at, why, newer)
  if push.after == '0' then return answer(push, 'filtered', 'deleted') end
  if arg.wants ~= 'wanted' then return answer(push, 'filtered', 'passing', 0, arg.filtered) end
  if why and newer then return answer(push, 'stale', 'older-tag', 0, newer) end
  if not at.head then return answer(push, 'stale', 'older') end
  if at.head == '0' then return answer(push, 'stale', 'deleted-since') end
  return answer(push, 'stale', 'moved-past', 0, at.head)
end

local elsewhere = redirect(target, renamed, arg.former, former_row, arg.renamed)
if elsewhere then return 'redirect ' .. elsewhere end
local settled = repeated_delivery(push) or repeated_push(push) or outdated_replay(push)
if settled then return settled end

local at = take(ref, push, known_time(times, ref))
renew(ref, arg.edges)
note_time(times, ref, push.time, arg.refs, arg.times)
if push.after == '0' and at.standing ~= 'stale' and at.head == '0' then ask_nothing(ref) end

local why, newer = due_for(push, at), newer_than(push)
if why and not newer and at.head ~= '0' then
  if why ~= 'new' then push.also.why = why end
  return deploy_head(push, at.head, arg.replays > 0 and 'replayed' or 'new')
end
return answer_only(at, why, newer)
