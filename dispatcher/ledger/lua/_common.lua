-- Put in front of every script. Times are milliseconds of Redis' own clock.

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- Which process answers: after a restart or a failover it is another.
local function run_id() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') end

local function words(text)
  local list = {}
  for word in string.gmatch(text or '', '%S+') do list[#list + 1] = word end
  return list
end

-- resourceVersions are integers of any length.
local function older(a, b)
  a, b = a or '', b or ''
  if #a ~= #b then return #a < #b end
  return a < b
end

local function load(deploys, number)
  local raw = redis.call('HGET', deploys, number)
  return raw and cjson.decode(raw) or nil
end

local function save(deploys, deploy)
  redis.call('HSET', deploys, string.format('%d', deploy.number), cjson.encode(deploy))
end

-- One that was cancelled while its start was uncertain is about to end: nothing is put into it.
local function waits(deploy) return deploy.state == 'pending' and (deploy.cancelled_by or '') == '' end

-- What is open, that is, not over: a hash, stream -> numbers, so that a push reads of its own stream only.

local function is_terminal(state)
  return state == 'succeeded' or state == 'failed' or state == 'superseded' or state == 'cancelled' or state == 'lost'
end

local function open_in(open, stream) return words(redis.call('HGET', open, stream)) end

local function open_numbers(open)
  local numbers = words(table.concat(redis.call('HVALS', open), ' '))
  table.sort(numbers, function(a, b) return tonumber(a) < tonumber(b) end)
  return numbers
end

local function none_open(open) return redis.call('EXISTS', open) == 0 end

local function keep_open(open, stream, numbers)
  if #numbers == 0 then return redis.call('HDEL', open, stream) end
  redis.call('HSET', open, stream, table.concat(numbers, ' '))
end

-- In the order of their numbers, each once.
local function add_open(open, stream, number)
  number = string.format('%d', number)
  local before, after, at = open_in(open, stream), {}, 1
  while before[at] and tonumber(before[at]) < tonumber(number) do after[at], at = before[at], at + 1 end
  if before[at] == number then return end
  after[at] = number
  while before[at] do after[at + 1], at = before[at], at + 1 end
  keep_open(open, stream, after)
end

local function drop_open(open, stream, number)
  local left = {}
  for _, other in ipairs(open_in(open, stream)) do
    if tonumber(other) ~= tonumber(number) then left[#left + 1] = other end
  end
  keep_open(open, stream, left)
end

-- Deploys by their numbers, as JSON, in few calls: unpack has a bound. Those that are not there are left out.
local function load_raw(deploys, numbers)
  local found = {}
  for from = 1, #numbers, 5000 do
    local to = math.min(#numbers, from + 4999)
    local page = redis.call('HMGET', deploys, unpack(numbers, from, to))
    for at = 1, to - from + 1 do
      if page[at] then found[#found + 1] = page[at] end
    end
  end
  return found
end

-- Before what is open is read: a row had one list of all of it before there was the hash, and it may be that
-- the history has expired since.
local function check_open(row, deploys, open)
  if redis.call('EXISTS', deploys) == 0 then redis.call('DEL', open) end
  local list = redis.call('HGET', row, 'open')
  if not list then return end
  for _, raw in ipairs(load_raw(deploys, words(list))) do
    local deploy = cjson.decode(raw)
    add_open(open, deploy.stream, deploy.number)
  end
  redis.call('HDEL', row, 'open')
end

-- Ends a deploy that waits; why stands in it already.
local function close(row, deploys, open, deploy, state, now)
  deploy.state, deploy.ended_at = state, now
  save(deploys, deploy)
  drop_open(open, deploy.stream, deploy.number)
  local ended = tonumber(redis.call('HGET', row, 'ended')) or 0
  redis.call('HSET', row, 'ended', math.max(ended, deploy.number))
end

-- Nothing of the target starts: it is paused, or everything is.
local function is_held(row, paused)
  return redis.call('HEXISTS', row, 'paused') == 1 or redis.call('EXISTS', paused) == 1
end

-- Another process is at work on this target and will look at its row once more before it lets go.
-- A lease that seems to last longer than any can was given by a clock that was ahead: it is none.
local LONGEST_LEASE = 60000 -- ms, the most that the setting allows
local function leased(row, now)
  local left = (tonumber(redis.call('HGET', row, 'lease_until')) or 0) - now
  return left > 0 and left <= LONGEST_LEASE
end

-- The row has changed: raise its version, make sure that somebody looks at it.
-- Returns the number of the wake-up that the caller has to enqueue, or 0 if one is on its way.
local function touch(row, due, target, now, grace)
  redis.call('HINCRBY', row, 'version', 1)
  if leased(row, now) then return 0 end
  redis.call('ZADD', due, 'LT', now + grace, target)
  if redis.call('HGET', row, 'woken') == '1' then return 0 end
  redis.call('HSET', row, 'woken', '1')
  return redis.call('HINCRBY', row, 'wakes', 1)
end
