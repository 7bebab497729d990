-- Runs plain commands, all at once: for writes that need no decision, and that a fencing token has to cover.
--
-- KEYS  one for each command
-- ARGV  for each command: its name, the number of arguments behind its key, and those
-- Reply how many commands there were

local at = 1
for _, key in ipairs(KEYS) do
  local name, count = ARGV[at], tonumber(ARGV[at + 1])
  redis.call(name, key, unpack(ARGV, at + 2, at + 1 + count))
  at = at + 2 + count
end
return #KEYS
