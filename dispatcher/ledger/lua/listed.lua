-- Notes that a full LIST of a namespace begins to be put into this Redis, and later that all of it is in.
-- Includes: _server
--
-- KEYS  1 listed (hash: namespace -> run_id; "begun <namespace>" -> run_id and token)
-- ARGV  1 namespace, "*" for all  2 token of who lists  3 "begun" or "done"
-- Reply 0 for a LIST that began into another Redis, or into this one before it was emptied: nothing is noted
--       | 1 noted  | 2 noted, and it is the first that this Redis has

local listed, namespace, token, what = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local here, begun = run_id(), 'begun ' .. namespace

if what == 'begun' then
  redis.call('HSET', listed, begun, here .. ' ' .. token)
  return 1
end
if redis.call('HGET', listed, begun) ~= here .. ' ' .. token then return 0 end
local first = redis.call('HGET', listed, namespace) ~= here
redis.call('HSET', listed, namespace, here)
return first and 2 or 1
