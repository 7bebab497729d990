-- Drops a target that is no longer configured, once nothing of it is left to do. Its history stays for a while.
-- Includes: _open
--
-- KEYS  1 row  2 deploys  3 jobs  4 specs  5 due  6 open (hash: stream -> numbers)  7 timelines
-- ARGV  1 target  2 how long its history stays (s)
-- Reply 1 if it was dropped, 0 if there is something left or it is configured again

local row, deploys, jobs, specs, due, open, timelines = unpack(KEYS)
local target, keep_for = { name = ARGV[1], now = now_ms(), row = row, deploys = deploys, open = open }, tonumber(ARGV[2])

local spec = redis.call('HGET', specs, target.name)
if not spec then return 0 end
spec = cjson.decode(spec)
if (spec.removed_at or 0) == 0 or target.now < spec.removed_at + (spec.removal_grace or 0) then return 0 end
if leased(row, target.now) or redis.call('HLEN', jobs) > 0 then return 0 end
check_open(target)
if not none_open(target) then return 0 end

redis.call('HDEL', specs, target.name)
redis.call('ZREM', due, target.name)
redis.call('HDEL', row, 'digest', 'trouble')
redis.call('EXPIRE', row, keep_for)
redis.call('EXPIRE', deploys, keep_for)
redis.call('EXPIRE', timelines, keep_for)
return 1
