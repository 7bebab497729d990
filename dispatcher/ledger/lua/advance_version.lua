-- Notes the resourceVersion of a namespace's newest LIST of Jobs, unless a newer one is known.
-- Includes: _versions
--
-- KEYS  1 versions (hash: namespace, "*" for all -> newest resourceVersion that the watcher has seen)
-- ARGV  1 namespace, "*" for all  2 resourceVersion
-- Reply 1, or 0 if a newer one is known: the cluster has gone back in time

local versions, namespace, version = KEYS[1], ARGV[1], ARGV[2]
if older(version, redis.call('HGET', versions, namespace)) then return 0 end
redis.call('HSET', versions, namespace, version)
return 1
