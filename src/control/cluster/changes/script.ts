/** How changes are kept in Redis. */

/** Numbers of changes are less, and their digits no more than who reads the answer takes; the clock comes there in the year 2255. */
const MOST_REVISION = 9e14;
/** Of a whole that has more fields than changes and these, most are nobody's. */
const MOST_OTHER_FIELDS = 100;

/**
 * What instances tell each other of changes, merged in Redis in one step: of each thing the change with the greatest stamp stays.
 * The hash has by id `stamp gone revision text`: when it may be forgotten (milliseconds since the epoch, 0 = never), which change
 * of the whole it was, and what it says. `!epoch` names the whole: who knows another one, or none, is told everything, and tells
 * what is missing. Instances say, too, which changes are not in force with them: `r:key` = were, and no more; `n:key` = never were.
 *
 * KEYS: the hash, what instances say of it, the number of its last change (for who looks there), ids in the order of their numbers.
 * Changes are numbered by the clock, so that after a failover that has lost the last of them no number comes twice. Where the last
 * number is none that a clock gives, or there are more fields than can be, a new whole begins; what is too large is taken out.
 * ARGV: the epoch that is known, and up to which change; the epoch and the number that a new whole begins with; 1 = something was
 * changed elsewhere, count it; the instance and when it began (empty = it says nothing); what is not in force with it; changes
 * that are kept at most, and their bytes; bytes of an answer; and of each change id, stamp, gone, text.
 * Gives the epoch, the number of the last change before this and now, up to which of them the answer goes, whether it begins with the
 * first, how many had no room, how many instances there are, whether this one is the eldest, the time, how many keys of those that
 * were in force here are in force nowhere, these, and id and value of each change.
 */
export const CHANGES_SCRIPT = `
local H, V, R, Z = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local most, mostBytes, answerBytes = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local since = tonumber(ARGV[2])
local epoch = redis.call('HGET', H, '!epoch')
local revision = tonumber(redis.call('HGET', H, '!revision') or '')
local bytes = tonumber(redis.call('HGET', H, '!bytes') or '') or 0
local tidied = tonumber(redis.call('HGET', H, '!tidied') or '') or 0
local isNumber = revision and revision >= 0 and revision < ${MOST_REVISION}
if not epoch or not isNumber or redis.call('EXISTS', Z) == 0 or redis.call('HLEN', H) > most + ${MOST_OTHER_FIELDS} then
  redis.call('UNLINK', H, Z)
  redis.call('ZADD', Z, -1, '!')
  epoch, revision, bytes = ARGV[3], tonumber(ARGV[4]), 0
  redis.call('HSET', H, '!epoch', epoch)
end
if epoch ~= ARGV[1] or since > revision then since = -1 end
local before = revision
local function parts(value) return string.match(value, '^(%S+) (%d+) (%d+) ') end
local full = 0
local function everything()
  local all, sound = redis.call('HGETALL', H), {}
  for i = 1, #all, 2 do
    if #all[i + 1] > mostBytes then
      redis.call('HDEL', H, all[i])
      redis.call('ZREM', Z, all[i])
    else sound[#sound + 1], sound[#sound + 2] = all[i], all[i + 1] end
  end
  return sound
end
local function tidy(all)
  local ended, count = {}, 0
  bytes = 0
  for i = 1, #all, 2 do
    local id, value = all[i], all[i + 1]
    if string.sub(id, 1, 1) ~= '!' then
      count = count + 1
      bytes = bytes + #value
      local stamp, gone = parts(value)
      if not stamp then
        redis.call('HDEL', H, id)
        redis.call('ZREM', Z, id)
        bytes = bytes - #value
        count = count - 1
      elseif tonumber(gone) > 0 then
        if tonumber(gone) <= now then
          redis.call('HDEL', H, id)
          redis.call('ZREM', Z, id)
          bytes = bytes - #value
          count = count - 1
        else ended[#ended + 1] = {stamp, id, #value} end
      end
    end
  end
  table.sort(ended, function(a, b) return a[1] < b[1] end)
  local next = 1
  while ended[next] and (count >= most or bytes > mostBytes) do
    redis.call('HDEL', H, ended[next][2])
    redis.call('ZREM', Z, ended[next][2])
    bytes = bytes - ended[next][3]
    count = count - 1
    next = next + 1
  end
end
if #ARGV >= 15 then
  local count = redis.call('ZCARD', Z)
  if count >= most or bytes > mostBytes or math.abs(now - tidied) > 60000 then
    tidy(everything())
    tidied = now
    count = redis.call('ZCARD', Z)
  end
  for i = 12, #ARGV, 4 do
    local id, stamp, text = ARGV[i], ARGV[i + 1], ARGV[i + 3]
    local known = redis.call('HGET', H, id)
    local before = known and parts(known) or ''
    if before < stamp then
      local at = math.max(revision + 1, now * 100)
      local value = stamp .. ' ' .. ARGV[i + 2] .. ' ' .. string.format('%d', at) .. ' ' .. text
      local grown = bytes + #value - (known and #known or 0)
      if (not known and count > most) or grown > mostBytes then
        full = full + 1
      else
        revision = at
        redis.call('HSET', H, id, value)
        redis.call('ZADD', Z, at, id)
        if not known then count = count + 1 end
        bytes = grown
      end
    end
  end
end
if ARGV[5] == '1' then revision = math.max(revision + 1, now * 100) end
local number = string.format('%d', revision)
redis.call('HSET', H, '!revision', number, '!bytes', string.format('%d', bytes), '!tidied', string.format('%d', tidied))
redis.call('EXPIRE', H, 691200)
redis.call('EXPIRE', Z, 691200)
redis.call('SET', R, number, 'EX', 691200)

local count, eldest, nowhere = 0, '', {}
local mine = ARGV[7] .. ' ' .. ARGV[6]
if ARGV[6] ~= '' then
  redis.call('HSET', V, ARGV[6], string.format('%d', now) .. ' ' .. ARGV[7] .. ' ' .. ARGV[8])
  redis.call('EXPIRE', V, 60)
  local without = {}
  local all = redis.call('HGETALL', V)
  for i = 1, #all, 2 do
    local at, began, said = string.match(all[i + 1], '^(%d+) (%d+) (.*)$')
    if not at or math.abs(now - tonumber(at)) > 30000 then
      redis.call('HDEL', V, all[i])
    else
      count = count + 1
      local name = began .. ' ' .. all[i]
      if eldest == '' or name < eldest then eldest = name end
      for key in string.gmatch(said, '[rn]:(%S+)') do without[key] = (without[key] or 0) + 1 end
    end
  end
  for key in string.gmatch(ARGV[8], 'r:(%S+)') do
    if without[key] == count then nowhere[#nowhere + 1] = key end
  end
end

local news = {}
if since < 0 then
  local all = everything()
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) ~= '!' then
      local _, _, at = parts(all[i + 1])
      news[#news + 1] = {tonumber(at) or 0, all[i], all[i + 1]}
    end
  end
  table.sort(news, function(a, b) return a[1] < b[1] end)
elseif since < revision then
  local ids = redis.call('ZRANGEBYSCORE', Z, '(' .. string.format('%d', since), '+inf', 'WITHSCORES')
  for i = 1, #ids, 2 do
    local value = redis.call('HGET', H, ids[i])
    if value then news[#news + 1] = {tonumber(ids[i + 1]), ids[i], value} end
  end
end
local isWhole = since < 0 and 1 or 0
local upTo, sent, out = revision, 0, {}
for i = 1, #news do
  if sent > 0 and sent + #news[i][3] > answerBytes and news[i][1] > news[i - 1][1] then
    upTo = news[i - 1][1]
    break
  end
  out[#out + 1] = news[i][2]
  out[#out + 1] = news[i][3]
  sent = sent + #news[i][3]
end
local head = {
  epoch, string.format('%d', before), number, string.format('%d', upTo), isWhole, full, count, eldest == mine and 1 or 0,
  string.format('%d', now), #nowhere
}
for i = 1, #nowhere do head[#head + 1] = nowhere[i] end
for i = 1, #out do head[#head + 1] = out[i] end
return head
`;

/** An instance stops: what it says counts no more. KEYS: what instances say. ARGV: the instance. */
export const UNSAY_SCRIPT = `return redis.call('HDEL', KEYS[1], ARGV[1])`;
