-- Wakes a target, whatever became of earlier wake-ups; each one in vain doubles the time to the next.
--
-- KEYS  1 row  2 due
-- ARGV  1 target  2 grace (ms)  3 longest wait (ms)  4 only if it is due by then (ms), "" for in any case
-- Reply {number of the wake-up to enqueue, or 0 if a worker is at it or it is not due any more,
--        "expired-lease" if its worker never let go of it, "untaken-wake-up" if none took up the last one, or ""}

local row, due = unpack(KEYS)
local target, grace, longest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
if leased(row, now) then
  -- Its worker may have read before what this is about came: it looks once more before it lets go.
  if ARGV[4] == '' then redis.call('HINCRBY', row, 'version', 1) end
  return { 0, '' }
end
if ARGV[4] ~= '' and (tonumber(redis.call('ZSCORE', due, target)) or math.huge) > tonumber(ARGV[4]) then return { 0, '' } end
local found = ''
if (redis.call('HGET', row, 'lease') or '') ~= '' then
  found = 'expired-lease'
  redis.call('HSET', row, 'lease', '')
elseif redis.call('HGET', row, 'woken') == '1' then
  found = 'untaken-wake-up'
end
local vain = redis.call('HINCRBY', row, 'rewakes', 1) - 1
redis.call('ZADD', due, now + math.min(longest, grace * 2 ^ math.min(vain, 20)), target)
redis.call('HSET', row, 'woken', '1')
return { redis.call('HINCRBY', row, 'wakes', 1), found }
