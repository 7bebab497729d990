-- Appends a part to a relayed log, and drops the oldest entries beyond the log's bounds. The same part sent again
-- changes nothing.
--
-- KEYS  1 log (stream, expires; an entry has `entry` (LogPart, JSON), `first` (how many lines came before it), `lines`
--         and `bytes` (how many there were with it, since the first entry))
-- ARGV  1 document, 2 the entry (JSON, stored as it is)
--   lines    how many lines the entry has
--   bounds   what is kept of the log: {entries, bytes}
--   expires  time to live (ms)
-- Reply how many bytes were appended since the log's first entry

local arg, json = cjson.decode(ARGV[1]), ARGV[2]
local log = KEYS[1]

local function field(entry, name)
  for at = 1, #entry[2], 2 do
    if entry[2][at] == name then return entry[2][at + 1] end
  end
end

local function number_of(entry, name) return tonumber(field(entry, name)) end

local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
local first = last and number_of(last, 'lines') or 0
local bytes = (last and number_of(last, 'bytes') or 0) + #json

if last and field(last, 'entry') == json then return number_of(last, 'bytes') end
redis.call('XADD', log, 'MAXLEN', arg.bounds.entries, '*', 'entry', json, 'first', string.format('%d', first),
           'lines', string.format('%d', first + arg.lines), 'bytes', string.format('%d', bytes))
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
while bytes - number_of(oldest, 'bytes') >= arg.bounds.bytes do
  redis.call('XDEL', log, oldest[1])
  oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
end
redis.call('PEXPIRE', log, arg.expires)
return bytes
