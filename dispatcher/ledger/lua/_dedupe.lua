-- Pushes that came before: in the same delivery, or in another one. Each function returns nil if the push did not.
-- Includes: _coalesce

-- Somebody pressed Redeliver: worth another run only if the last one came to nothing and nothing is newer.
local function is_worth_a_run(push, number, commit)
  local deploy, last = load(push.target, number), redis.call('HGET', push.ref.chain, 'last')
  if not deploy or last ~= string.format('%d', deploy.number) then return false end
  if get(push.ref, 'wanted') ~= commit or not is_of(push, deploy, commit) then return false end
  return deploy.state == 'failed' or deploy.state == 'lost' or deploy.state == 'cancelled'
end

local function run_again(push, commit)
  local queue = open_of_stream(push)
  if commit ~= push.commit then stand_for(push, commit) end
  if #queue > 0 and push.arg.every == 0 then return coalesce(push, queue, commit, 'again') end
  return create(push, commit, 'again')
end

local function repeated_delivery(push)
  local first = first_answer(push)
  if not first then return nil end
  local reply = cjson.decode(first)
  local commit = reply.at or push.commit
  if reply.deploy ~= 0 and is_worth_a_run(push, reply.deploy, commit) then return run_again(push, commit) end
  reply.repeated = true
  return respond(push, reply)
end

local function repeated_push(push)
  local number = push.arg.replays == 0 and redis.call('GET', push.seen)
  if not number then return nil end
  -- Without the host's time, the same push may recur legitimately: forward, back, and forward again.
  if push.arg.pushed_at == 0 and get(push.ref, 'head') == push.before and push.before ~= push.after then return nil end
  if is_worth_a_run(push, number, push.commit) then return run_again(push, push.commit) end
  return answer(push, 'duplicate', 'seen', tonumber(number))
end
