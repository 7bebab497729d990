-- Asks for a concurrency slot: takes one, or waits in line for it.
-- Includes: _server, _slots
--
-- KEYS  1 running (hash)  2 waiting (zset)  3 waiters (hash)  4 limits (hash)
-- ARGV  1 document
--   target     name
--   namespace  of its deploy
--   since      when it began to wait (ms)
--   patience   ms after which a target that was offered a slot and has not claimed it is passed over
-- Reply document
--   taken      it has a slot; the fields below then have no meaning
--   namespace  whose slots are taken, "*" for those of all namespaces together
--   most       how many slots there are
--   ahead      how many targets wait before it

local arg = cjson.decode(ARGV[1])
local running, waiting, waiters, limits = unpack(KEYS)

local function take()
  redis.call('HSET', running, arg.target, arg.namespace)
  redis.call('ZREM', waiting, arg.target)
  redis.call('HDEL', waiters, arg.target)
end

local function why_none()
  local taken, limit = count_slots(running, limits)
  local ahead, most = redis.call('ZRANK', waiting, arg.target), limit[arg.namespace]
  if most and (taken[arg.namespace] or 0) >= most then
    return { taken = false, namespace = arg.namespace, most = most, ahead = ahead }
  end
  return { taken = false, namespace = '*', most = limit['*'] or 0, ahead = ahead }
end

if redis.call('HEXISTS', running, arg.target) == 1 then return cjson.encode({ taken = true }) end
redis.call('ZADD', waiting, 'NX', arg.since, arg.target)
redis.call('HSET', waiters, arg.target, arg.namespace .. ' 0')
for _, next in ipairs(in_line(running, waiting, waiters, limits, now_ms(), arg.patience, arg.target)) do
  if next == arg.target then
    take()
    return cjson.encode({ taken = true })
  end
end
return cjson.encode(why_none())
