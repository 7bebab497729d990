-- Put in front of every script. Times are milliseconds of Redis' own clock.

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

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

-- Another process is at work on this target and will look at its row once more before it lets go.
local function leased(row, now)
  return (tonumber(redis.call('HGET', row, 'lease_until')) or 0) > now
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
