-- Events: what happened to a deploy or a target. An event is an entry of the stream that programs follow; one of a
-- deploy is also a line of the deploy's timeline, and is counted.
--
-- Of a target this takes {name, now (ms), timelines, events, counts, index (keys), keep = {events (in the stream,
-- about), lines (of a timeline: the first ones and the newest stay), deploys (in the index of those of all targets)}}.
-- An event's text is JSON: dispatcher/domain/event.py says what its fields are.

local FIRST_LINES = 3

local function filled(text) return text and text ~= '' and text or nil end

local function publish(target, number, ref, commit, text)
  redis.call('XADD', target.events, 'MAXLEN', '~', target.keep.events, '*', 'target', target.name,
             'number', string.format('%d', number), 'ref', ref, 'commit', commit, 'event', text)
end

local function add_line(target, number, text)
  local known = redis.call('HGET', target.timelines, number)
  if known then
    local lines = {}
    for line in string.gmatch(known, '[^\n]+') do lines[#lines + 1] = line end
    lines[#lines + 1] = text
    if #lines > target.keep.lines then table.remove(lines, FIRST_LINES + 1) end
    text = table.concat(lines, '\n')
  end
  redis.call('HSET', target.timelines, number, text)
end

local function count(target, what)
  redis.call('HINCRBY', target.counts, target.name .. ' ' .. what, 1)
end

-- Adds a deploy to the index of all targets' deploys; those of one millisecond stay in the order in which they came.
local function add_to_index(target, number)
  local newest = tonumber(redis.call('ZREVRANGE', target.index, 0, 0, 'WITHSCORES')[2]) or 0
  local at = string.format('%.3f', math.max(target.now, newest + 0.001))
  redis.call('ZADD', target.index, at, target.name .. ' ' .. number)
  redis.call('ZREMRANGEBYRANK', target.index, 0, -target.keep.deploys - 1)
end

-- Something happened to a deploy. `was` is the state that it had, where that is another; `by` is who did it.
local function note(target, deploy, kind, was, by)
  local ids, number = deploy.deliveries or {}, string.format('%d', deploy.number)
  local text = cjson.encode({
    kind = kind, at = target.now, state = deploy.state, was = was, by = filled(by), why = filled(deploy.why),
    cause = deploy.cause, attempt = deploy.attempt, job = filled(deploy.job), exit_code = deploy.exit_code,
    superseded_by = deploy.superseded_by, delivery = (kind == 'created' or kind == 'coalesced') and ids[#ids] or nil,
    commit = (kind == 'created' or kind == 'coalesced') and deploy.commit or nil,
  })
  publish(target, deploy.number, deploy.ref, deploy.commit, text)
  add_line(target, number, text)
  if kind == 'created' then add_to_index(target, number) end
  if kind == 'state' then count(target, deploy.state .. (deploy.cause and ' ' .. deploy.cause or ''))
  else count(target, kind) end
end

-- Something happened to the target itself: it is held up, or it is not any more.
local function note_target(target, kind, why)
  publish(target, 0, '', '', cjson.encode({ kind = kind, at = target.now, why = filled(why) }))
end
