-- Submits one push for one target: deduplicates, orders by the chain of commits, coalesces, wakes.
-- Includes: _redirect, _dedupe, _replay, _head
--
-- KEYS  1 row        hash    version, seq, woken …
--       2 deploys    hash    number -> deploy (JSON)
--       3 chain      hash    of the stream: for each ref the fields that _chain.lua lists, and for the whole stream
--                            "last" (number of its newest deploy), for tags "newest" and "time" (the newest dated
--                            tag that a push wanted deployed, and when it was pushed)
--       4 ages       zset    when each ref and each edge was last pushed, see _chain.lua
--       5 seen       string  number of the deploy that this same push was recorded in
--       6 delivery   hash    "<target> <ref> <commit>" -> first answer (JSON)
--       7 due        zset    target -> time
--       8 paused     string  there while everything is paused
--       9 renamed    hash    former name of a target -> "name time": its present name, and since when
--       10 former    hash    row of the target's former name; its own row if it has none
--       11 log       hash    the delivery's entry in the delivery log, expires: step -> reply (JSON)
--       12 open      hash    stream -> numbers of its deploys that have not ended
--       13 times     zset    ref -> newest known time of its host: outlives the chain
--       14 timelines    hash    number -> what happened to the deploy
--       15 events    stream  what happened to deploys and targets
--       16 counts    hash    how often
--       17 index     zset    "target number" of the newest deploys of all targets -> when each was created
-- ARGV  1 document
--   deploy      the deploy to create if the push gets one of its own: target, stream, ref, commit …
--   before      where the ref was: an object name, zeros for none, "" if unknown
--   after       where it is, likewise
--   pushed_at   the host's time (ms), 0 for none
--   delivery    its id, "" for none
--   wants       "wanted", or why the push only moves the branch: "paths" (the target does not want the files that it
--               lists) or "passing"
--   filtered    why the target does not want it, "" if it does
--   every       how many deploys of a stream may wait if the target deploys every push, 0 if it merges them
--   most_open   of how many streams deploys may be open, 0 for any number
--   former      the target's former name, "" for none
--   reply_field  field of the stored delivery that the script writes the reply to
--   keep_for    seconds for which Redis keeps that entry, 0 if none is stored
--   replays     when the replayed delivery first came (ms), 0 if this push is not a replay
--   clock_skew  ms by which a host's time may be ahead
--   remember    seconds for which Redis keeps deliveries and pushes
--   edges       ms for which Redis keeps edges
--   times       ms for which Redis keeps hosts' times
--   refs        most refs whose times are kept
--   deliveries  most deliveries that a deploy lists
--   renamed     ms after a rename for which pushes may come under the old name
--   keep      how much is kept of what happened: {events, lines, deploys}, see _events.lua
--   grace       ms after which a wake-up that no worker took counts as lost
-- Reply document, or "redirect <name>": the script wrote nothing, since the target's row is under that name
--   outcome   accepted, coalesced, duplicate, unchanged, stale, filtered, held or rejected
--   code      why
--   deploy    its number, or 0
--   other     the number or text that belongs to the code
--   wake      number of the wake-up to enqueue, or 0
--   repeated  the delivery came before, and this is the answer that it got then
--   why       code of a second reason, a key of WHY in submission.py
--   at        the deployed commit, if it is not the push's
--   gap       where the branch was before the files that are unknown
--   ahead     the host's time was ahead of Redis' clock, so the script did not use it

local arg = cjson.decode(ARGV[1])
local row, deploys, chain, ages, seen, delivery, due, paused, renamed, former_row, log, open, times, timelines, events,
      counts, index = unpack(KEYS)
local target = { name = arg.deploy.target, now = now_ms(), grace = arg.grace, keep = arg.keep,
                 row = row, deploys = deploys, open = open, due = due, paused = paused,
                 timelines = timelines, events = events, counts = counts, index = index }
local ref = ref_in(chain, ages, arg.deploy.ref, target.now, arg.clock_skew)

local function none(commit) return string.match(commit, '^0+$') and '0' or commit end

local push = {
  arg = arg, target = target, ref = ref, stream = arg.deploy.stream, deploy = arg.deploy,
  before = none(arg.before), after = none(arg.after), commit = arg.deploy.commit, time = usable(ref, arg.pushed_at),
  delivery = delivery, seen = seen, log = log, also = {},
}
push.is_ahead = push.time == 0 and arg.pushed_at > 0

-- The answer to a push that deploys nothing; `newer` is a tag that was pushed later.
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
