-- Where a branch or tag is: the stored fields of a ref, and the edges of its chain of commits.
--
-- A ref is a table {chain, ages, name, now (ms), ahead (ms)}. The hash `chain` holds for each ref, as "<what> <ref>":
--   head    where it is, "0" once it was deleted        peeled  the commit that an annotated tag points to
--   dated   the host's time of the push that led there   time    the newest known of the ref (ms, 0 for none)
--   run     where the current run began                 apart   runs put apart (JSON), see _head.lua
--   asked, held, wanted                                 which of its commits pushes wanted, see _wanted.lua
--   gap     where the ref was before unknown files, until a deploy of its head is asked for
--   put     when an operator set its head (ms)
--   next    and a commit: the commits that pushes led to from there (JSON), an edge each
-- The sorted set `ages` holds when each was last pushed: a ref by its name, an edge as "<ref> <commit>".

local KEPT_OF_A_REF = { 'head', 'peeled', 'dated', 'time', 'run', 'apart', 'asked', 'held', 'wanted', 'gap', 'put' }
local MOST_EDGES = 8 -- that begin at one commit
local LONGEST_WALK = 2000 -- edges
local FORGOTTEN_AT_ONCE = 50 -- edges and refs, so that a push costs the same however many are old

local function ref_in(chain, ages, name, now, ahead)
  return { chain = chain, ages = ages, name = name, now = now, ahead = ahead }
end

local function get(ref, what) return redis.call('HGET', ref.chain, what .. ' ' .. ref.name) or nil end

local function put(ref, what, value)
  if value then redis.call('HSET', ref.chain, what .. ' ' .. ref.name, value)
  else redis.call('HDEL', ref.chain, what .. ' ' .. ref.name) end
end

-- Several in one call: what, value, what, value …
local function put_all(ref, fields)
  for at = 1, #fields, 2 do fields[at] = fields[at] .. ' ' .. ref.name end
  redis.call('HSET', ref.chain, unpack(fields))
end

-- A host's time, or 0 if it is ahead of Redis' clock by more than `ahead`: then it proves nothing, also if stored.
local function usable(ref, time)
  time = tonumber(time) or 0
  return time <= ref.now + ref.ahead and time or 0
end

-- A commit and its time in one string, as the chain stores them.
local function stamp(commit, time) return string.format('%s %d', commit, time) end
local function stamped(ref, text)
  local commit, time = string.match(text or '', '^(%S+) (%d+)$')
  if commit then return { commit = commit, time = usable(ref, time) } end
end

local function edges_from(ref, commit)
  local raw = redis.call('HGET', ref.chain, 'next ' .. ref.name .. ' ' .. commit)
  return raw and cjson.decode(raw) or {}
end

local function is_edge(ref, from, to)
  for _, commit in ipairs(edges_from(ref, from)) do if commit == to then return true end end
  return false
end

local function keep_edge(ref, from, to)
  if from == '' then return end
  local list = edges_from(ref, from)
  for at, commit in ipairs(list) do if commit == to then table.remove(list, at) break end end
  list[#list + 1] = to
  if #list > MOST_EDGES then table.remove(list, 1) end
  redis.call('HSET', ref.chain, 'next ' .. ref.name .. ' ' .. from, cjson.encode(list))
  redis.call('ZADD', ref.ages, ref.now, ref.name .. ' ' .. from)
end

-- Whether the known edges of the ref lead from one commit to the other. `past` is a commit that no path may pass:
-- where the ref was before it came to the first commit, or "0", where every deleted branch or tag is. A path through
-- it belongs to another time at which the ref was there.
local function leads(ref, from, to, past)
  local queue, visited, at = { from }, { [from] = true, [past or ''] = true }, 1
  while queue[at] and at <= LONGEST_WALK do
    for _, commit in ipairs(edges_from(ref, queue[at])) do
      if commit == to then return true end
      if not visited[commit] then
        visited[commit] = true
        queue[#queue + 1] = commit
      end
    end
    at = at + 1
  end
  return false
end

-- Deletes all fields of a ref from the chain, except its edges.
local function forget_ref(chain, name)
  for _, what in ipairs(KEPT_OF_A_REF) do redis.call('HDEL', chain, what .. ' ' .. name) end
end

-- Keeps a ref that was pushed to for another window (ms), and forgets refs and edges that were last pushed before it.
local function renew(ref, window)
  redis.call('ZADD', ref.ages, ref.now, ref.name)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', ref.ages, '-inf', ref.now - window,
                                     'LIMIT', 0, FORGOTTEN_AT_ONCE)) do
    if string.find(member, ' ', 1, true) then redis.call('HDEL', ref.chain, 'next ' .. member)
    else forget_ref(ref.chain, member) end
    redis.call('ZREM', ref.ages, member)
  end
  redis.call('PEXPIRE', ref.chain, window)
  redis.call('PEXPIRE', ref.ages, window)
end

-- Forgets a ref with all its edges, without a bound: only for an operator's request, never for a push.
local function forget_chain(ref)
  forget_ref(ref.chain, ref.name)
  redis.call('ZREM', ref.ages, ref.name)
  for _, field in ipairs(redis.call('HKEYS', ref.chain)) do
    local begin = 'next ' .. ref.name .. ' '
    if string.sub(field, 1, #begin) == begin then
      redis.call('HDEL', ref.chain, field)
      redis.call('ZREM', ref.ages, string.sub(field, 6))
    end
  end
end
