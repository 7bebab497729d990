-- Reads the server's INFO.

-- Its clock (ms): the only one that the ledger goes by.
local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- Which process answers: after a restart or a failover it is another.
local function run_id() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') end
