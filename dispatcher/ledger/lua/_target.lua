-- A target's row, and its deploys by number.
-- Includes: _server, _lease
--
-- A target is a table {name, now (ms), grace (ms)} with its keys {row, deploys, open, due, paused}, as far as the
-- script has them.

local function load(target, number)
  local raw = redis.call('HGET', target.deploys, number)
  return raw and cjson.decode(raw) or nil
end

local function save(target, deploy)
  redis.call('HSET', target.deploys, string.format('%d', deploy.number), cjson.encode(deploy))
end

-- A number in the row that only grows.
local function raise(target, field, number)
  local known = tonumber(redis.call('HGET', target.row, field)) or 0
  if tonumber(number) > known then redis.call('HSET', target.row, field, string.format('%d', number)) end
end

-- Whether the target is paused, by its name or with everything.
local function is_held(target)
  return redis.call('HEXISTS', target.row, 'paused') == 1 or redis.call('EXISTS', target.paused) == 1
end

-- Call it when the row has changed: raises its version, and makes sure that a worker looks at the target.
-- Returns the number of the wake-up that the caller has to enqueue, or 0 if one is on its way.
local function touch(target)
  redis.call('HINCRBY', target.row, 'version', 1)
  if leased(target.row, target.now) then return 0 end
  redis.call('ZADD', target.due, 'LT', target.now + target.grace, target.name)
  if waits_for_worker(target.row) then return 0 end
  redis.call('HSET', target.row, 'woken', string.format('%d', target.now))
  return redis.call('HINCRBY', target.row, 'wakes', 1)
end
