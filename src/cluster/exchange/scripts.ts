/**
 * What Redis does in a round, at once and in one round trip. It keeps the shares of instances as they are and adds nothing up: that
 * would take several processors where there are many instances and servers. Who reads them does. Where that would be much for each,
 * one at a time is asked to do it for all.
 *
 * Everything that is kept begins with the clock of Redis, in milliseconds and 14 digits, and expires by itself. What no instance
 * can have written, by its size or number, is taken out: it would be in the way for ever.
 */
import { MOST_MEMBERS } from "./members.ts";

/** Shares of so many bytes together are read by everybody. */
export const DIRECT_BYTES = 16_384;
/** What an instance writes of itself, and of its servers, is shorter. */
const MOST_DESCRIPTION_BYTES = 8_192;
const MOST_SHARE_BYTES = 1_048_576;
/** How often shares are added up where one does it for all, milliseconds. */
export const ADD_UP_MS = 80;

/** In the order of `KEYS`. */
export const ROUND_KEYS = ["shares", "layouts", "members", "changes:revision", "sum", "adding"] as const;

/**
 * ARGV: which one this is, its share, its layout and that layout's hashes where it is not known to be kept, what it says of itself
 * (now and then), the turn of the sum that it has, and pairs: who is gone, and when it was there last.
 *
 * Gives the clock, the revision, whether the layout is kept, all that say who they are, or nothing, and either "shares" and all of them, "add" with the turn, and all of them, or "sum" and that, or nothing where it is known.
 */
export const ROUND_SCRIPT = `
local shares, layouts, members, revision, sum, adding = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, share, layout, hashes, description, turn = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock = string.format('%014d', now)
local function all(key, most)
  local said = {}
  local kept = redis.call('HGETALL', key)
  for i = 1, #kept, 2 do
    if #kept[i] ~= 16 or string.find(kept[i], '%X') or #kept[i + 1] > most then redis.call('HDEL', key, kept[i])
    else said[#said + 1], said[#said + 2] = kept[i], kept[i + 1] end
  end
  return said
end
if redis.call('HLEN', shares) > ${MOST_MEMBERS} then redis.call('UNLINK', shares) end
for i = 7, #ARGV, 2 do
  local said = redis.call('HGET', shares, ARGV[i])
  if said and string.sub(said, 1, 14) == ARGV[i + 1] then
    redis.call('HDEL', shares, ARGV[i])
    redis.call('HDEL', members, ARGV[i])
  end
end
if redis.call('HLEN', shares) >= ${MOST_MEMBERS} and redis.call('HEXISTS', shares, id) == 0 then
  return redis.error_reply('FULL ${MOST_MEMBERS} instances are there already')
end
redis.call('HSET', shares, id, clock .. share)
redis.call('PEXPIRE', shares, 10000)
local count = redis.call('HLEN', shares)
if hashes ~= '' then
  if redis.call('HLEN', layouts) > 2 * count + 64 then redis.call('DEL', layouts) end
  redis.call('HSET', layouts, layout, hashes)
end
redis.call('PEXPIRE', layouts, 60000)
local described = false
if description ~= '' then
  if redis.call('HLEN', members) > 2 * count + 64 then redis.call('DEL', members) end
  redis.call('HSET', members, id, clock .. description)
  redis.call('PEXPIRE', members, 10000)
  described = all(members, ${MOST_DESCRIPTION_BYTES})
end
local answer = {clock, redis.call('GET', revision) or '0', redis.call('HEXISTS', layouts, layout), described}
if count * #share <= ${DIRECT_BYTES} then
  answer[5], answer[6], answer[7] = 'shares', '', all(shares, ${MOST_SHARE_BYTES})
  return answer
end
local at = tonumber(redis.call('HGET', adding, 'at') or '')
local given = redis.call('HGET', adding, 'turn') or '0'
if #given > 13 or string.find(given, '%D') then redis.call('DEL', adding) end
if not at or math.abs(now - at) >= ${ADD_UP_MS} then
  redis.call('HSET', adding, 'at', now)
  answer[5], answer[6] = 'add', string.format('%014d', redis.call('HINCRBY', adding, 'turn', 1))
  answer[7] = all(shares, ${MOST_SHARE_BYTES})
  redis.call('PEXPIRE', adding, 10000)
  return answer
end
answer[5], answer[6], answer[7] = 'sum', '', {}
local latest = redis.call('GETRANGE', sum, 0, 13)
if redis.call('STRLEN', sum) > ${MOST_SHARE_BYTES} then redis.call('UNLINK', sum)
elseif latest ~= '' and latest ~= turn then answer[6] = redis.call('GET', sum) end
return answer
`;

/** KEYS: layouts. ARGV: which of them. Gives their hashes, or nothing. */
export const LAYOUTS_SCRIPT = `return redis.call('HMGET', KEYS[1], unpack(ARGV))`;

/** In the order of `KEYS`. */
export const SUM_KEYS = ["sum", "layouts", "adding"] as const;

/**
 * What all shares come to, for all. ARGV: turn, the clock when the shares were read, the sum, its layout and that layout's hashes.
 * Who was slow and comes after a later one is not heard; a turn that was never given is no later one. Gives 1 when it is kept.
 */
export const SUM_SCRIPT = `
local latest = redis.call('GETRANGE', KEYS[1], 0, 13)
local given = tonumber(redis.call('HGET', KEYS[3], 'turn') or '') or 0
if string.find(latest, '^%d+$') and #latest == 14 and latest >= ARGV[1] and tonumber(latest) <= given then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2] .. ARGV[3], 'PX', 10000)
if redis.call('HEXISTS', KEYS[2], ARGV[4]) == 0 then redis.call('HSET', KEYS[2], ARGV[4], ARGV[5]) end
return 1
`;

/** In the order of `KEYS`. */
export const LEAVE_KEYS = ["shares", "members"] as const;

/** ARGV: who goes. */
export const LEAVE_SCRIPT = `
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
`;
