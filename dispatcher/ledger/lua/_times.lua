-- What the clocks of Git hosts say: `times`, a sorted set, has of each ref the newest time that is known, also when
-- its chain is forgotten. Where tags are merged, the one that was pushed last is what counts: the chain has its name
-- as "newest", and when it was pushed as "time".
-- Includes: _chain

local TAGS = 'refs/tags' -- their stream

local function known_time(times, ref) return usable(ref, redis.call('ZSCORE', times, ref.name) or 0) end

-- Of the `most` refs with the newest times, for a window (ms).
local function note_time(times, ref, time, most, window)
  if time == 0 then return end
  redis.call('ZADD', times, 'GT', string.format('%d', time), ref.name)
  redis.call('ZREMRANGEBYRANK', times, 0, -1 - most)
  redis.call('PEXPIRE', times, window)
end

-- The name of another tag that was pushed later, if there is one.
local function newer_tag(ref, stream)
  if stream ~= TAGS then return nil end
  local name, time = redis.call('HGET', ref.chain, 'newest'), usable(ref, redis.call('HGET', ref.chain, 'time') or 0)
  local own = usable(ref, get(ref, 'dated'))
  return name and name ~= ref.name and own > 0 and own < time and string.sub(name, #TAGS + 2) or nil
end

local function note_newest_tag(ref, stream, time)
  if stream ~= TAGS or time == 0 then return end
  redis.call('HSET', ref.chain, 'newest', ref.name, 'time', string.format('%d', time))
end
