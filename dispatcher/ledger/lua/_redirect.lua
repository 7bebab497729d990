-- Where a target's row is: around a rename, web may have read the configuration before the watcher, or after.
-- Includes: _target

-- The other name that the row has, nil if it has the target's own. `renamed` has the former names of targets,
-- `former` is the target's former name ("" for none), `former_row` the row of that name; a former name is redirected
-- for `within` ms.
local function redirect(target, renamed, former, former_row, within)
  local name, since = string.match(redis.call('HGET', renamed, target.name) or '', '^(%S+) (%d+)$')
  if name and target.now - tonumber(since) < within then return name end
  if former == '' or redis.call('EXISTS', former_row) == 0 then return nil end
  local is_to_come = redis.call('HEXISTS', renamed, former) == 0
  if is_to_come and redis.call('HEXISTS', target.row, 'attempted') == 0 then return former end
end
