/**
 * How instances count together: GCRA in Redis, by the clock there. Of each key its theoretical arrival is kept, in microseconds. An
 * instance says what has passed beyond what it was lent (what it gives back is negative), and how much it wants to be lent. What is
 * lent is counted at once, so that the instances together never have more than the limit allows; what was let pass in advance is
 * counted afterwards, whatever there is left.
 *
 * - Nobody is lent more than half of what is left: others may come. Where at least half of the burst is left, it is a part of that at
 *   least, however little is wanted.
 * - Where nothing is left, one is lent for the time when it will be: each instance has its own turn then, and they do not all let one
 *   pass in the same instant. Who still has some says what it wants as a negative number, and gets no turn.
 * - An arrival farther ahead than any of that can have put it was written by another clock: then there is nothing left now.
 *
 * It expires by itself when it means nothing any more.
 *
 * KEYS: one for each key. ARGV: microseconds that a request is worth, the burst, instances, and for each key what has passed and what is
 * wanted. Gives for each key what is lent, and from when on: microseconds from now; -1 = now, and there is plenty.
 */
export const LEASE_SCRIPT = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local cost, burst, instances = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most = burst * cost
local deepest = now + 2 * most + instances * cost
local beyond = deepest + 2 * instances * cost
local least = math.floor(burst / (4 * instances))
local out = {}
for i = 1, #KEYS do
  local passed, wanted = tonumber(ARGV[2 * i + 2]), tonumber(ARGV[2 * i + 3])
  local before = tonumber(redis.call('GET', KEYS[i]) or '0') or 0
  local arrival = before
  if arrival > beyond then arrival = now + most end
  if arrival < now then arrival = now end
  arrival = arrival + passed * cost
  if passed > 0 and arrival > deepest then arrival = deepest end
  if arrival < now then arrival = now end
  local left = math.floor((now + most - arrival) / cost + 0.001)
  local lent = 0
  local from = 0
  local turn = wanted > 0
  if wanted < 0 then wanted = -wanted end
  if wanted > 0 and (turn or left >= 1) then
    if left >= 1 then
      lent = math.min(2 * left >= burst and math.max(wanted, least) or wanted, math.ceil(left / 2))
      if 2 * (left - lent) >= burst then from = -1 end
    else
      lent = 1
      from = arrival + cost - now - most
    end
  elseif 2 * left >= burst and left >= 1 then
    from = -1
  elseif left < 1 then
    from = arrival + cost - now - most
  end
  arrival = arrival + lent * cost
  if arrival > now then
    redis.call('SET', KEYS[i], string.format('%.17g', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
  elseif before ~= 0 then
    redis.call('DEL', KEYS[i])
  end
  out[2 * i - 1] = lent
  out[2 * i] = math.ceil(from)
end
return out
`;
