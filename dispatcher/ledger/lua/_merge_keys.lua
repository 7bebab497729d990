-- Moves what is kept of branches, pushes and requests to another key, and merges it with what is there.

local function hash_at(key)
  local found, raw = {}, redis.call('HGETALL', key)
  for at = 1, #raw, 2 do found[raw[at]] = raw[at + 1] end
  return found
end

-- If the head of a ref is known under the new name, moves only the ref's edges.
local function merge_chain(from, to)
  local known = hash_at(to)
  for field, value in pairs(hash_at(from)) do
    local what, ref = string.match(field, '^(%S+) (%S+)')
    if not ref or what == 'next' or not known['head ' .. ref] then redis.call('HSETNX', to, field, value) end
  end
end

local function merge_ages(from, to)
  local raw = redis.call('ZRANGE', from, 0, -1, 'WITHSCORES')
  for at = 1, #raw, 2 do redis.call('ZADD', to, 'GT', raw[at + 1], raw[at]) end
end

-- `renumbered`: the numbers, by those that they had, of deploys that have another one now.
local function move_key(from, to, renumbered)
  local kind = redis.call('TYPE', to).ok
  local last = kind == 'hash' and renumbered[redis.call('HGET', to, 'last') or '']
  if last then redis.call('HSET', to, 'last', last) end
  if redis.call('EXISTS', from) == 0 or redis.call('RENAMENX', from, to) == 1 then return end
  if kind == 'hash' then merge_chain(from, to) elseif kind == 'zset' then merge_ages(from, to) end
  local longest = math.max(redis.call('PTTL', from), redis.call('PTTL', to))
  if longest > 0 then redis.call('PEXPIRE', to, longest) end
  redis.call('DEL', from)
end
