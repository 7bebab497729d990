-- Which deploys of a target are open, that is, not over: a hash, stream -> numbers, so that a push reads of its own
-- stream only.
-- Includes: _target, _events

local function is_terminal(state)
  return state == 'succeeded' or state == 'failed' or state == 'superseded' or state == 'cancelled' or state == 'lost'
end

-- Whether a deploy waits, so that a push can be merged into it. One that was cancelled while its start was uncertain
-- doesn't: it is about to end.
local function waits(deploy) return deploy.state == 'pending' and (deploy.cancelled_by or '') == '' end

local function words(text)
  local list = {}
  for word in string.gmatch(text or '', '%S+') do list[#list + 1] = word end
  return list
end

local function by_number(numbers)
  table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
  return numbers
end

local function open_in(target, stream) return words(redis.call('HGET', target.open, stream)) end
local function open_numbers(target) return by_number(words(table.concat(redis.call('HVALS', target.open), ' '))) end
local function none_open(target) return redis.call('EXISTS', target.open) == 0 end

local function keep_open(target, stream, numbers)
  if #numbers == 0 then return redis.call('HDEL', target.open, stream) end
  redis.call('HSET', target.open, stream, table.concat(numbers, ' '))
end

-- In the order of their numbers, each once.
local function add_open(target, stream, number)
  number = string.format('%d', number)
  local before, after, at = open_in(target, stream), {}, 1
  while before[at] and tonumber(before[at]) < tonumber(number) do after[at], at = before[at], at + 1 end
  if before[at] == number then return end
  after[at] = number
  while before[at] do after[at + 1], at = before[at], at + 1 end
  keep_open(target, stream, after)
end

local function drop_open(target, stream, number)
  local left = {}
  for _, other in ipairs(open_in(target, stream)) do
    if tonumber(other) ~= tonumber(number) then left[#left + 1] = other end
  end
  keep_open(target, stream, left)
end

-- Deploys by their numbers, as JSON, in few calls: unpack has a bound. Those that are not there are left out.
local function load_raw(target, numbers)
  local found = {}
  for from = 1, #numbers, 5000 do
    local to = math.min(#numbers, from + 4999)
    local page = redis.call('HMGET', target.deploys, unpack(numbers, from, to))
    for at = 1, to - from + 1 do
      if page[at] then found[#found + 1] = page[at] end
    end
  end
  return found
end

-- Call it before reading what is open: older rows have one list instead of the hash, and the history may have
-- expired since.
local function check_open(target)
  if redis.call('EXISTS', target.deploys) == 0 then redis.call('DEL', target.open) end
  local list = redis.call('HGET', target.row, 'open')
  if not list then return end
  for _, raw in ipairs(load_raw(target, words(list))) do
    local deploy = cjson.decode(raw)
    add_open(target, deploy.stream, deploy.number)
  end
  redis.call('HDEL', target.row, 'open')
end

local RAN = { succeeded = true, failed = true, lost = true }

-- What the row says of a deploy that has ended: the newest one's number, and how the newest ended that ran to an end.
local function end_deploy(target, deploy)
  raise(target, 'ended', deploy.number)
  if not RAN[deploy.state] then return end
  local known = tonumber(string.match(redis.call('HGET', target.row, 'outcome') or '', '^%d+')) or 0
  if deploy.number < known then return end
  local at = string.format('%d', deploy.ended_at or target.now)
  local outcome = { string.format('%d', deploy.number), deploy.state, deploy.cause or '-', at }
  redis.call('HSET', target.row, 'outcome', table.concat(outcome, ' '))
  if deploy.state == 'succeeded' then redis.call('HSET', target.row, 'succeeded_at', at) end
end

-- Ends a waiting deploy, which has its `why` already.
local function close(target, deploy, state)
  local was = deploy.state
  deploy.state, deploy.ended_at = state, target.now
  save(target, deploy)
  note(target, deploy, 'state', was, deploy.cancelled_by)
  drop_open(target, deploy.stream, deploy.number)
  end_deploy(target, deploy)
end
