-- Stands behind a script, which is in a function `script` then, and runs it for the watcher that leads only: the
-- caller's fencing token is compared with the leader's. A watcher that has lost its leadership, also without knowing,
-- writes nothing. One that writes leads on: its leadership is renewed when half of it is over.
--
-- KEYS  1 leader (string: token of the watcher that leads)  then those of the script
-- ARGV  1 token of the caller  2 for how long it leads on (ms)  then those of the script
-- Reply the script's, or the error FENCED: nothing was written

local function from(first, list)
  local rest = {}
  for at = first, #list do rest[#rest + 1] = list[at] end
  return rest
end

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED another watcher leads, or none') end
if redis.call('PTTL', KEYS[1]) < ARGV[2] / 2 then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return script(from(2, KEYS), from(3, ARGV))
