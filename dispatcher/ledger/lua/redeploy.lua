-- Runs the newest deploy of a target once more: same commit, same ref, a number of its own.
--
-- KEYS  1 row  2 deploys  3 due  4 request (string: "outcome number", the answer to this request)
-- ARGV  1 target  2 asked by  3 note  4 grace (ms)  5 remember requests (s)  6 reason
--       7 digest that the row must have, 8 digest that it gets with this; both "" for any other reason
-- Reply JSON {outcome, deploy, wake}; outcome: accepted, coalesced or nothing

local row, deploys, due, request = unpack(KEYS)
local target, asked_by, note, grace = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local function reply(outcome, number, wake)
  return cjson.encode({ outcome = outcome, deploy = tonumber(number) or 0, wake = wake or 0 })
end

local function remember(outcome, number)
  redis.call('SET', request, outcome .. ' ' .. string.format('%d', number), 'EX', tonumber(ARGV[5]))
end

if ARGV[8] ~= '' then
  if (redis.call('HGET', row, 'digest') or '') ~= ARGV[7] then return reply('nothing') end
  redis.call('HSET', row, 'digest', ARGV[8])
end

local made = redis.call('GET', request)
if made then return reply(string.match(made, '^(%S+) (%S+)$')) end

for _, number in ipairs(words(redis.call('HGET', row, 'open'))) do
  local deploy = load(deploys, number)
  if deploy and deploy.state == 'pending' then
    remember('coalesced', tonumber(number))
    return reply('coalesced', number)
  end
end

local last = nil
for number = tonumber(redis.call('HGET', row, 'seq') or 0), 1, -1 do
  last = load(deploys, number)
  if last or redis.call('HLEN', deploys) == 0 then break end
end
if not last then return reply('nothing') end

local now = now_ms()
local number = redis.call('HINCRBY', row, 'seq', 1)
save(deploys, {
  target = target, number = number, state = 'pending', stream = last.stream, ref = last.ref,
  commit = last.commit, before = last.before, reason = ARGV[6], requested_by = asked_by, note = note,
  title = last.title, created_at = now, wanted_at = now,
})
redis.call('HSET', row, 'open', (redis.call('HGET', row, 'open') or '') .. ' ' .. string.format('%d', number))
remember('accepted', number)
return reply('accepted', number, touch(row, due, target, now_ms(), grace))
