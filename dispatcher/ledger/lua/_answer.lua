-- What a push is answered: kept for when the same delivery, or the same push, comes again, and in the delivery log.
--
-- Of a push, beyond what _head.lua lists, this takes {arg, target, ref, delivery, seen, log (keys), is_ahead (its
-- host's time is ahead of Redis' clock), also (what else is to be said: why, at, gap)}.

local function answer_field(push, target) return target .. ' ' .. push.ref.name .. ' ' .. push.arg.after end

-- The first answer to this delivery (JSON), also under the name that the target had before; nil if there is none.
local function first_answer(push)
  if push.arg.delivery == '' then return nil end
  return redis.call('HGET', push.delivery, answer_field(push, push.target.name))
    or push.arg.former ~= '' and redis.call('HGET', push.delivery, answer_field(push, push.arg.former)) or nil
end

-- Answers without storing the answer: if the same push comes again, the script decides on it anew.
local function respond(push, reply)
  reply.ahead = push.is_ahead or nil
  local text = cjson.encode(reply)
  if push.arg.keep_for > 0 then
    redis.call('HSET', push.log, push.arg.reply_field, text)
    redis.call('EXPIRE', push.log, push.arg.keep_for)
  end
  return text
end

local function answer(push, outcome, code, number, other, wake)
  local reply = { outcome = outcome, code = code, deploy = number or 0, other = other or '', wake = 0,
                  why = push.also.why, at = push.also.at, gap = push.also.gap }
  if push.arg.delivery ~= '' then
    redis.call('HSET', push.delivery, answer_field(push, push.target.name), cjson.encode(reply))
    redis.call('EXPIRE', push.delivery, push.arg.remember)
  end
  if reply.deploy ~= 0 then redis.call('SET', push.seen, reply.deploy, 'EX', push.arg.remember) end
  reply.wake = wake or 0
  return respond(push, reply)
end
