/**
 * How instances count requests at once together: of each key a hash has for each instance how many places it has, and until when.
 * An instance says how many are in use, which is believed, and how many it wants; it gets them as far as the others leave some, and no
 * more than half of what is left while there are others. Who does not say so again in time is gone, and so are its places: also who
 * says that it ends later than it could (another clock).
 *
 * KEYS: one for each key. ARGV: the instance, how many there may be, for how long what is said holds (milliseconds), and for each key
 * how many are in use and wanted. Gives for each key how many may be under way, and 1 if others have all the rest.
 */
export const PLACES_SCRIPT = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local me, most, lifetime = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local out = {}
for i = 1, #KEYS do
  local used, wanted = tonumber(ARGV[2 * i + 2]), tonumber(ARGV[2 * i + 3])
  local others = 0
  local all = redis.call('HGETALL', KEYS[i])
  for j = 1, #all, 2 do
    if all[j] ~= me then
      local count, till = string.match(all[j + 1], '^(%d+) (%d+)$')
      till = tonumber(till or '0')
      if till < now or till > now + 2 * lifetime then
        redis.call('HDEL', KEYS[i], all[j])
      else
        others = others + tonumber(count)
      end
    end
  end
  local may = math.min(wanted, math.max(0, most - others))
  if others > 0 and may > used then may = math.min(may, used + math.ceil((most - others - used) / 2)) end
  local has = math.max(may, used)
  if has > 0 then
    redis.call('HSET', KEYS[i], me, string.format('%d %d', has, now + lifetime))
    redis.call('PEXPIRE', KEYS[i], 2 * lifetime)
  else
    redis.call('HDEL', KEYS[i], me)
  end
  out[2 * i - 1] = may
  out[2 * i] = (others > 0 and others + has >= most) and 1 or 0
end
return out
`;
