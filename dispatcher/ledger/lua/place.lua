-- Asks for a place among the deploys that may run at once: takes it, or waits in line for it.
-- Includes: _places
--
-- KEYS  1 running (hash)  2 waiting (zset)  3 waiters (hash)  4 limits (hash)
-- ARGV  1 target  2 namespace  3 since when it waits (ms)  4 patience (ms)
-- Reply {1} if it has a place; else {0, namespace whose places are taken or "*" for all, how many those are,
--       how many wait before it}

local running, waiting, waiters, limits = unpack(KEYS)
local target, namespace, since, patience = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if redis.call('HEXISTS', running, target) == 1 then return { 1 } end
redis.call('ZADD', waiting, 'NX', since, target)
redis.call('HSET', waiters, target, namespace .. ' 0')
for _, next in ipairs(in_line(running, waiting, waiters, limits, now_ms(), patience, target)) do
  if next == target then
    redis.call('HSET', running, target, namespace)
    redis.call('ZREM', waiting, target)
    redis.call('HDEL', waiters, target)
    return { 1 }
  end
end

local there, most = 0, tonumber(redis.call('HGET', limits, namespace))
for _, name in ipairs(redis.call('HVALS', running)) do if name == namespace then there = there + 1 end end
local ahead = redis.call('ZRANK', waiting, target)
if most and there >= most then return { 0, namespace, most, ahead } end
return { 0, '*', tonumber(redis.call('HGET', limits, '*')) or 0, ahead }
