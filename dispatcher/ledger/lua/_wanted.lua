-- What of a branch or tag was wanted, and what was asked for last: it decides what is deployed.
-- Includes: _chain
--
-- asked   the commit of the ref that was to be deployed last, with its time: "commit time"
-- held    the newest commit of the current run that some push wanted, likewise; each run put apart has its own
-- wanted  the commit for the Job, where that was asked: not the tag object that stands for it

local function asked(ref)
  -- One that was kept before there were times for it has only the commit.
  return stamped(ref, get(ref, 'asked') or (get(ref, 'wanted') or '') .. ' 0')
end

-- Whether what was asked for last holds the commit; false if that is unknown. A missing edge only has the newest
-- commit deployed again; a wrong edge would leave a push undeployed. Times of one second do not order two pushes.
local function covered(ref, commit, time)
  local last = asked(ref)
  if not last then return false end
  if last.commit == commit then return true end
  if leads(ref, last.commit, commit) then return false end
  if leads(ref, commit, last.commit) then return true end
  return time > 0 and last.time > 0 and time < last.time
end

-- Whether the branch, where it is now, holds a wanted commit that was not asked for last.
local function is_owed(ref)
  local held = stamped(ref, get(ref, 'held'))
  return held ~= nil and not covered(ref, held.commit, held.time)
end

-- Records that the ref is to be deployed where it is.
local function ask(ref, head, commit)
  local point = stamp(head, usable(ref, get(ref, 'dated')))
  put_all(ref, { 'asked', point, 'held', point, 'wanted', commit })
  put(ref, 'gap', nil)
end

-- Records that the ref is wanted and not deployed yet: the next push, whichever it is, has it deployed.
local function owe(ref, head, commit)
  put_all(ref, { 'asked', get(ref, 'asked') or stamp(get(ref, 'wanted') or '-', 0),
                 'held', stamp(head, usable(ref, get(ref, 'dated'))), 'wanted', commit })
end

-- Records that an operator asked for the newest wanted commit of the ref.
local function ask_for_held(ref) put(ref, 'asked', get(ref, 'held') or get(ref, 'asked')) end

-- Records that the branch is gone, so nothing of it is wanted any more.
local function ask_nothing(ref)
  put(ref, 'asked', stamp('0', usable(ref, get(ref, 'dated'))))
  for _, what in ipairs({ 'held', 'wanted', 'gap' }) do put(ref, what, nil) end
end
