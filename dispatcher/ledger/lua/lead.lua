-- Takes or renews the leadership among watchers.
--
-- KEYS  1 leader (string: token, expires)
-- ARGV  1 token  2 time to live (ms)
-- Reply 1 if the caller leads, else 0

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
