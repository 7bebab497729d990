-- Finds the deploys of a target that have a commit, so that nobody has to read its whole history.
--
-- KEYS  1 deploys
-- ARGV  1 commit, or its first digits
-- Reply the deploys (each JSON, text, as it is stored)

local found, sought = {}, '"commit":"' .. ARGV[1]
for _, raw in ipairs(redis.call('HVALS', KEYS[1])) do
  if string.find(raw, sought, 1, true) then found[#found + 1] = raw end
end
return found
