-- Keeps a delivery in the trail and notes that its secret was used. What has to make room for it is forgotten.
--
-- KEYS  1 entry   hash    of this delivery: "entry" (JSON), "body", "at"; beside them stand the answers of submit.lua
--       2 order   zset    entry's id -> when it came
--       3 sizes   hash    entry's id -> bytes, and "total"
--       4 used    hash    "<hook> <source of a secret>" -> when it last proved a delivery
--       5…        hashes  of entries that an earlier call has forgotten: deleted
-- ARGV  1 entry's id   2 the delivery (JSON)   3 its body, compressed ("" if it is not kept)
--       4 "<hook> <source>" of its secret ("" for none)
--       5 how many entries are kept, 0 for none   6 for how long (s)   7 bytes of all together
-- Reply ids of the entries that were forgotten: a later call deletes their hashes, which expire in any case

local entry, order, sizes, used = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, keep, keep_for, most = ARGV[1], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local now = now_ms()
local MOST_AT_ONCE = 100 -- entries, where a bound was lowered

if ARGV[4] ~= '' then redis.call('HSET', used, ARGV[4], string.format('%d', now)) end
if #KEYS > 4 then redis.call('UNLINK', unpack(KEYS, 5)) end

local function forget(old)
  local size = tonumber(redis.call('HGET', sizes, old)) or 0
  redis.call('ZREM', order, old)
  redis.call('HDEL', sizes, old)
  return redis.call('HINCRBY', sizes, 'total', -size)
end

local total = tonumber(redis.call('HGET', sizes, 'total')) or 0
if keep > 0 then
  if redis.call('ZSCORE', order, id) then total = forget(id) end
  local newest = tonumber(redis.call('ZREVRANGE', order, 0, 0, 'WITHSCORES')[2]) or 0
  -- Those of one millisecond stay in the order in which they came.
  redis.call('ZADD', order, string.format('%.3f', math.max(now, newest + 0.001)), id)
  redis.call('HSET', sizes, id, #ARGV[2] + #ARGV[3])
  total = redis.call('HINCRBY', sizes, 'total', #ARGV[2] + #ARGV[3])
  redis.call('HSET', entry, 'entry', ARGV[2], 'body', ARGV[3], 'at', string.format('%d', now))
  for _, key in ipairs({ entry, order, sizes }) do redis.call('EXPIRE', key, keep_for) end
end

local forgotten = {}
while #forgotten < MOST_AT_ONCE do
  local oldest, at = unpack(redis.call('ZRANGE', order, 0, 0, 'WITHSCORES'))
  if not oldest or (oldest == id and keep > 0) then break end
  local fits = redis.call('ZCARD', order) <= keep and total <= most
  if fits and tonumber(at) > now - keep_for * 1000 then break end
  total = forget(oldest)
  forgotten[#forgotten + 1] = oldest
end
return forgotten
