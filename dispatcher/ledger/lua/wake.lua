-- Wakes a target, whatever became of earlier wake-ups; each untaken one doubles the time to the next.
-- Includes: _target
--
-- KEYS  1 row  2 due
-- ARGV  1 document
--   target        name
--   grace         ms until the next wake-up if no worker takes this one
--   longest_wait  ms that this becomes at the most
--   due_by        only if it is due by then (ms), 0 for in any case
-- Reply {number of the wake-up to enqueue, or 0 if a worker is at it or it is not due any more,
--        "expired-lease" if its worker never released it, "untaken-wake-up" if no worker took the last one, or ""}

local arg = cjson.decode(ARGV[1])
local row, due = unpack(KEYS)
local now = now_ms()

local function is_due()
  return arg.due_by == 0 or (tonumber(redis.call('ZSCORE', due, arg.target)) or math.huge) <= arg.due_by
end

-- What went wrong with the last wake-up, "" for nothing.
local function trouble()
  if (redis.call('HGET', row, 'lease') or '') ~= '' then
    redis.call('HSET', row, 'lease', '')
    return 'expired-lease'
  end
  return waits_for_worker(row) and 'untaken-wake-up' or ''
end

if leased(row, now) then
  -- Its worker may have read the row before this change: it reads again before it ends its lease.
  if arg.due_by == 0 then redis.call('HINCRBY', row, 'version', 1) end
  return { 0, '' }
end
if not is_due() then return { 0, '' } end
local found = trouble()
local untaken = redis.call('HINCRBY', row, 'rewakes', 1) - 1
redis.call('ZADD', due, now + math.min(arg.longest_wait, arg.grace * 2 ^ math.min(untaken, 20)), arg.target)
if not waits_for_worker(row) then redis.call('HSET', row, 'woken', string.format('%d', now)) end
return { redis.call('HINCRBY', row, 'wakes', 1), found }
