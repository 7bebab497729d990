-- Forgets a Job's last resourceVersion and its deletion, because the cluster has gone back in time.
--
-- KEYS  1 jobs
-- ARGV  1 field ("namespace/job")
-- Reply 1, or 0 if it is unknown

local raw = redis.call('HGET', KEYS[1], ARGV[1])
if not raw then return 0 end
local observed = cjson.decode(raw)
observed.rv, observed.gone, observed.live_pods = '', nil, nil
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(observed))
return 1
