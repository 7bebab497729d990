-- Wakes a target that is due, whatever became of earlier wake-ups; each one in vain doubles the time to the next.
--
-- KEYS  1 row  2 due
-- ARGV  1 target  2 grace (ms)  3 longest wait (ms)
-- Reply the number of the wake-up to enqueue, or 0 if a worker is at it

local row, due = unpack(KEYS)
local target, grace, longest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
if leased(row, now) then return 0 end
local vain = redis.call('HINCRBY', row, 'rewakes', 1) - 1
redis.call('ZADD', due, now + math.min(longest, grace * 2 ^ math.min(vain, 20)), target)
redis.call('HSET', row, 'woken', '1')
return redis.call('HINCRBY', row, 'wakes', 1)
