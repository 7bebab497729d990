-- Leases a target to one worker and reads all that a plan needs. Asked twice with one token, it answers twice.
--
-- KEYS  1 row  2 deploys  3 jobs  4 specs  5 due  6 listed (hash: namespace -> run_id of the
--       Redis that a full LIST of it was put into)  7 paused (string)  8 limits  9 running
--       10 open (hash: stream -> numbers)
-- ARGV  1 target  2 token  3 lease (ms)
-- Reply {0, ms until the lease of another runs out}
--       {1, now, version, spec or "", listed (0 or 1), {deploy, …}, {job, …}, newest success, paused (JSON) or "",
--        newest that was started, limited (0 or 1: how many may run at once), has its place (0 or 1),
--        looks in a row that the cluster's trouble ended, published (0 or 1: there is any spec),
--        newest number, number of the deploy that was started last, for sure (0 or 1: this very Redis was told)}

local row, deploys, jobs, specs, due, listed, paused, limits, running, open = unpack(KEYS)
local target, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()

if leased(row, now) and redis.call('HGET', row, 'lease') ~= token then
  return { 0, tonumber(redis.call('HGET', row, 'lease_until')) - now }
end
redis.call('HSET', row, 'lease', token, 'lease_until', now + lease, 'woken', '', 'rewakes', 0)
redis.call('ZADD', due, now + lease, target)

check_open(row, deploys, open)
local wanted, found_jobs = {}, redis.call('HVALS', jobs)
for _, number in ipairs(open_numbers(open)) do wanted[number] = true end
for _, raw in ipairs(found_jobs) do
  wanted[string.format('%d', cjson.decode(raw).number or 0)] = true
end
local attempted = redis.call('HGET', row, 'attempted') or '0'
local told, begun = string.match(redis.call('HGET', row, 'begun') or '', '^(%S+) (%d+)$')
wanted[begun or attempted] = true
local numbers = {}
for number in pairs(wanted) do numbers[#numbers + 1] = number end
local found = load_raw(deploys, numbers)

local here = run_id()
local spec = redis.call('HGET', specs, target) or ''
local namespace = spec ~= '' and cjson.decode(spec).namespace or ''
local fresh = (redis.call('HGET', listed, namespace) == here or redis.call('HGET', listed, '*') == here) and 1 or 0
return { 1, now, tonumber(redis.call('HGET', row, 'version') or 0), spec,
         fresh, found, found_jobs, tonumber(redis.call('HGET', row, 'succeeded') or 0),
         redis.call('HGET', row, 'paused') or redis.call('GET', paused) or '', tonumber(attempted),
         redis.call('EXISTS', limits), redis.call('HEXISTS', running, target),
         tonumber(redis.call('HGET', row, 'vain') or 0), redis.call('EXISTS', specs),
         tonumber(redis.call('HGET', row, 'seq') or 0), tonumber(begun or attempted), told == here and 1 or 0 }
