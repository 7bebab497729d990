-- Arguments and replies that are one JSON document, so that both sides name what they read.
--
-- What cjson does that JSON does not say: it writes an empty table as an object, numbers with 14 significant digits
-- (times in ms have 13), and reads null as a value that counts as true. So an empty list is left out of a reply,
-- no argument is null, and what is compared or stored byte by byte travels as text, not as a part of the document.

local function list(items) return #items > 0 and items or nil end
