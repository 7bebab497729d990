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

local function load(deploys, number)
  local raw = redis.call('HGET', deploys, number)
  return raw and cjson.decode(raw) or nil
end

local function save(deploys, deploy)
  redis.call('HSET', deploys, string.format('%d', deploy.number), cjson.encode(deploy))
end

-- One that was cancelled while its start was uncertain is about to end: nothing is put into it.
local function waits(deploy) return deploy.state == 'pending' and (deploy.cancelled_by or '') == '' end

-- Ends a deploy that waits; why stands in it already.
local function close(row, deploys, deploy, state, now)
  deploy.state, deploy.ended_at = state, now
  save(deploys, deploy)
  local open = {}
  for _, number in ipairs(words(redis.call('HGET', row, 'open'))) do
    if tonumber(number) ~= deploy.number then open[#open + 1] = number end
  end
  local ended = tonumber(redis.call('HGET', row, 'ended')) or 0
  redis.call('HSET', row, 'open', table.concat(open, ' '), 'ended', math.max(ended, deploy.number))
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
