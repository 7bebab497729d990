-- Tells a deploy to stop: one that waits ends at once, one that has its turn is stopped by a worker.
-- Or releases one that stops and whose Pods won't go.
--
-- KEYS  1 row  2 deploys  3 due  4 open (hash: stream -> numbers)
-- ARGV  1 target  2 number  3 "cancel" or "release"  4 who  5 why  6 grace (ms)
-- Reply JSON {outcome, wake}; outcome: cancelled, stopping, released, over, running (not told to stop) or unknown

local row, deploys, due, open = unpack(KEYS)
local target, number, verb, who, why, grace = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local now = now_ms()

local function reply(outcome, wake) return cjson.encode({ outcome = outcome, wake = wake or 0 }) end

local deploy = load(deploys, number)
if not deploy then return reply('unknown') end

check_open(row, deploys, open)
local is_open = false
for _, other in ipairs(open_in(open, deploy.stream)) do is_open = is_open or other == number end
if not is_open then return reply('over') end

local said = verb == 'release' and 'released by ' or 'cancelled by '
said = said .. who .. (why ~= '' and ': ' .. why or '')

if verb == 'release' then
  if deploy.state ~= 'stopping' then return reply('running') end
  deploy.released_by, deploy.why = who, said
  save(deploys, deploy)
  return reply('released', touch(row, due, target, now, grace))
end

if deploy.state == 'pending' then
  deploy.why, deploy.cancelled_by = said, who
  close(row, deploys, open, deploy, 'cancelled', now)
  return reply('cancelled', touch(row, due, target, now, grace))
end
deploy.cancelled_by = who
if deploy.state ~= 'stopping' then deploy.why = said end
save(deploys, deploy)
return reply('stopping', touch(row, due, target, now, grace))
