-- Stores a delivery in the delivery log, records that its secret was used, and forgets the oldest entries to make room.
-- Includes: _server
--
-- KEYS  1 entry   hash    of this delivery: "entry" (JSON), "body", "at"; beside them stand the answers of submit.lua
--       2 order   zset    entry's id -> when it came
--       3 sizes   hash    entry's id -> bytes, and "total"
--       4 used    hash    "<hook> <source of a secret>" -> when it last authenticated a delivery
--       5…        hashes  of entries that an earlier call has forgotten: deleted
-- ARGV  1 document, 2 the delivery (JSON, stored as it is), 3 its body, compressed ("" if it is not kept)
--   id         of the entry
--   secret     "<hook> <source>" of its secret, "" for none
--   keep       how many entries are kept, 0 for none
--   keep_for   seconds for which they are
--   max_bytes  of all entries together
-- Reply ids of the entries that were forgotten: a later call deletes their hashes, which expire in any case

local arg, json, body = cjson.decode(ARGV[1]), ARGV[2], ARGV[3]
local entry, order, sizes, used = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = now_ms()
local MOST_AT_ONCE = 100 -- entries, where a bound was lowered

local function forget(id)
  local size = tonumber(redis.call('HGET', sizes, id)) or 0
  redis.call('ZREM', order, id)
  redis.call('HDEL', sizes, id)
  return redis.call('HINCRBY', sizes, 'total', -size)
end

local function add()
  if redis.call('ZSCORE', order, arg.id) then forget(arg.id) end
  local newest = tonumber(redis.call('ZREVRANGE', order, 0, 0, 'WITHSCORES')[2]) or 0
  -- Those of one millisecond stay in the order in which they came.
  redis.call('ZADD', order, string.format('%.3f', math.max(now, newest + 0.001)), arg.id)
  redis.call('HSET', sizes, arg.id, #json + #body)
  redis.call('HINCRBY', sizes, 'total', #json + #body)
  redis.call('HSET', entry, 'entry', json, 'body', body, 'at', string.format('%d', now))
  for _, key in ipairs({ entry, order, sizes }) do redis.call('EXPIRE', key, arg.keep_for) end
end

local function make_room()
  local forgotten, total = {}, tonumber(redis.call('HGET', sizes, 'total')) or 0
  while #forgotten < MOST_AT_ONCE do
    local oldest, at = unpack(redis.call('ZRANGE', order, 0, 0, 'WITHSCORES'))
    if not oldest or (oldest == arg.id and arg.keep > 0) then break end
    local fits = redis.call('ZCARD', order) <= arg.keep and total <= arg.max_bytes
    if fits and tonumber(at) > now - arg.keep_for * 1000 then break end
    total = forget(oldest)
    forgotten[#forgotten + 1] = oldest
  end
  return forgotten
end

if arg.secret ~= '' then redis.call('HSET', used, arg.secret, string.format('%d', now)) end
if #KEYS > 4 then redis.call('UNLINK', unpack(KEYS, 5)) end
if arg.keep > 0 then add() end
return make_room()
