-- Records a process's heartbeat, and forgets processes whose last heartbeat is old, or that are too many.
-- Includes: _server
--
-- KEYS  1 processes (hash: name -> ProcessRecord, JSON)  2 heartbeats (sorted set: name -> when it came last)
-- ARGV  1 document
--   name      of the process
--   process   as it describes itself (JSON, text)
--   keep_for  ms for which a process without heartbeats is kept
--   most      processes that are kept, those with the newest heartbeats
-- Reply when the heartbeat came (ms)

local arg = cjson.decode(ARGV[1])
local processes, heartbeats = unpack(KEYS)
local now = now_ms()

local function forget(names)
  for _, name in ipairs(names) do
    redis.call('HDEL', processes, name)
    redis.call('ZREM', heartbeats, name)
  end
end

redis.call('HSET', processes, arg.name, arg.process)
redis.call('ZADD', heartbeats, now, arg.name)
forget(redis.call('ZRANGEBYSCORE', heartbeats, '-inf', now - arg.keep_for))
forget(redis.call('ZRANGE', heartbeats, 0, -1 - arg.most))
redis.call('PEXPIRE', processes, arg.keep_for)
redis.call('PEXPIRE', heartbeats, arg.keep_for)
return now
