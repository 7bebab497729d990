-- Tells a deploy to stop: one that waits ends at once, one that has its turn is stopped by a worker.
-- Or releases one that stops and whose Pods won't go.
-- Includes: _open
--
-- KEYS  1 row  2 deploys  3 due  4 open (hash: stream -> numbers)  5 timelines  6 events  7 counts
--       8 index, see submit.lua
-- ARGV  1 document
--   target  name
--   number  of the deploy
--   verb    "cancel" or "release"
--   by      who asked
--   why     the reason that they gave, "" for none
--   keep      how much is kept of what happened: {events, lines, deploys}, see _events.lua
--   grace   ms after which a wake-up that no worker took counts as lost
-- Reply document
--   outcome  cancelled, stopping, released, over, running (not told to stop) or unknown
--   wake     number of the wake-up to enqueue, or 0

local arg = cjson.decode(ARGV[1])
local row, deploys, due, open, timelines, events, counts, index = unpack(KEYS)
local target = { name = arg.target, now = now_ms(), grace = arg.grace, keep = arg.keep,
                 row = row, deploys = deploys, due = due, open = open, timelines = timelines, events = events,
                 counts = counts, index = index }
local said = (arg.verb == 'release' and 'released by ' or 'cancelled by ') .. arg.by
if arg.why ~= '' then said = said .. ': ' .. arg.why end

local function reply(outcome, wake) return cjson.encode({ outcome = outcome, wake = wake or 0 }) end

local function is_open(deploy)
  for _, number in ipairs(open_in(target, deploy.stream)) do
    if tonumber(number) == deploy.number then return true end
  end
  return false
end

local function release(deploy)
  if deploy.state ~= 'stopping' then return reply('running') end
  deploy.released_by, deploy.why = arg.by, said
  save(target, deploy)
  note(target, deploy, 'released', nil, arg.by)
  return reply('released', touch(target))
end

local function cancel(deploy)
  deploy.cancelled_by = arg.by
  if deploy.state ~= 'stopping' then deploy.why = said end
  if deploy.state == 'pending' then
    close(target, deploy, 'cancelled')
    return reply('cancelled', touch(target))
  end
  save(target, deploy)
  note(target, deploy, 'cancel', nil, arg.by)
  return reply('stopping', touch(target))
end

local deploy = load(target, string.format('%d', arg.number))
if not deploy then return reply('unknown') end
check_open(target)
if not is_open(deploy) then return reply('over') end
if arg.verb == 'release' then return release(deploy) end
return cancel(deploy)
