-- Leases a target to one worker and reads all that a plan needs. Run again with the same token, it reads it anew.
-- Includes: _document, _open
--
-- KEYS  1 row  2 deploys  3 jobs  4 specs  5 due  6 listed (hash: namespace -> run_id of the
--       Redis that a full LIST of it was put into)  7 paused (string)  8 limits  9 running
--       10 open (hash: stream -> numbers)
-- ARGV  1 target  2 token  3 lease (ms)
-- Reply document; of a target that another worker holds, only the first
--   leased     ms until the lease of another worker runs out, 0 if the caller has it
--   now        Redis' clock (ms)
--   version    of the row
--   spec       as it is published (JSON, text), "" for none
--   published  there is any spec
--   listed     a full LIST of its namespace is in this very Redis
--   deploys    those that are open, have a Job or were started last (each JSON, text, as it is stored)
--   jobs       observed state of its Jobs (each JSON, text)
--   paused     who paused it, or all targets (JSON, text), "" if it is not paused
--   seq        newest number that was given
--   attempted  newest number that was started
--   succeeded  newest number that succeeded
--   begun      number that was started last
--   sure       this run of Redis recorded that start
--   limited    how many deploys may run at once is limited
--   has_slot   the target has its concurrency slot
--   failures   looks in a row that the cluster failed

local row, deploys, jobs, specs, due, listed, paused, limits, running, open = unpack(KEYS)
local token, lease = ARGV[2], tonumber(ARGV[3])
local target = { name = ARGV[1], now = now_ms(), row = row, deploys = deploys, open = open, due = due, paused = paused }

-- The numbers of what a plan needs, each once.
local function wanted_numbers(found_jobs, begun)
  local wanted, numbers = { [begun] = true }, {}
  for _, number in ipairs(open_numbers(target)) do wanted[number] = true end
  for _, raw in ipairs(found_jobs) do wanted[string.format('%d', cjson.decode(raw).number or 0)] = true end
  for number in pairs(wanted) do numbers[#numbers + 1] = number end
  return numbers
end

local function is_listed(spec, here)
  local namespace = spec ~= '' and cjson.decode(spec).namespace or ''
  return redis.call('HGET', listed, namespace) == here or redis.call('HGET', listed, '*') == here
end

local function number_in_row(field) return tonumber(redis.call('HGET', row, field) or 0) end

local left = leased(row, target.now)
if left and redis.call('HGET', row, 'lease') ~= token then return cjson.encode({ leased = left }) end
redis.call('HSET', row, 'lease', token, 'woken', '', 'rewakes', 0)
renew_lease(target, lease)
check_open(target)

local here, attempted = run_id(), number_in_row('attempted')
local told, begun = string.match(redis.call('HGET', row, 'begun') or '', '^(%S+) (%d+)$')
begun = begun or string.format('%d', attempted)
local found_jobs = redis.call('HVALS', jobs)
local spec = redis.call('HGET', specs, target.name) or ''
return cjson.encode({
  leased = 0,
  now = target.now,
  version = number_in_row('version'),
  spec = spec,
  published = redis.call('EXISTS', specs) == 1,
  listed = is_listed(spec, here),
  deploys = list(load_raw(target, wanted_numbers(found_jobs, begun))),
  jobs = list(found_jobs),
  paused = redis.call('HGET', row, 'paused') or redis.call('GET', paused) or '',
  seq = number_in_row('seq'),
  attempted = attempted,
  succeeded = number_in_row('succeeded'),
  begun = tonumber(begun),
  sure = told == here,
  limited = redis.call('EXISTS', limits) == 1,
  has_slot = redis.call('HEXISTS', running, target.name) == 1,
  failures = number_in_row('failures'),
})
