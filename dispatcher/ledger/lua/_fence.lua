-- Put behind a script that only the watcher which leads may run, and that stands in a function `script` before it.
-- Who has lost the lead, also without knowing, writes nothing.
--
-- KEYS  1 leader (string: token of the watcher that leads)  then those of the script
-- ARGV  1 token of the caller  then those of the script
-- Reply the script's, or the error LEADLOST: nothing was written

local function own(list)
  local rest = {}
  for at = 2, #list do rest[at - 1] = list[at] end
  return rest
end

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('LEADLOST another watcher leads, or none') end
return script(own(KEYS), own(ARGV))
