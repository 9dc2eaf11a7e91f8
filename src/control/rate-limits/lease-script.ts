/**
 * How instances count together: GCRA in Redis, by the clock there. Of each key its theoretical arrival is kept, in microseconds. An
 * instance says what has passed beyond what it was lent, and how much it wants to be lent; what it gives back is negative. What is
 * lent is counted at once, so that the instances together never have more than the limit allows; what was let pass in advance is
 * counted afterwards, whatever there is left. It expires by itself when it means nothing any more.
 *
 * KEYS: one for each key. ARGV: microseconds that a request is worth, the burst, and for each key what was passed and what is wanted.
 * Gives for each key what is lent, and for how many microseconds there is nothing to lend.
 */
export const LEASE_SCRIPT = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local cost, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local most = burst * cost
local out = {}
for i = 1, #KEYS do
  local passed, wanted = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local arrival = tonumber(redis.call('GET', KEYS[i]) or '0') or 0
  if arrival > now + 2 * most + cost then arrival = now + most end
  if arrival < now then arrival = now end
  arrival = arrival + passed * cost
  if arrival > now + 2 * most + cost then arrival = now + 2 * most + cost end
  local lent = math.floor((now + most - arrival) / cost + 0.001)
  if lent > wanted then lent = wanted end
  if lent < 0 then lent = 0 end
  arrival = arrival + lent * cost
  if arrival > now then
    redis.call('SET', KEYS[i], string.format('%.17g', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
  else
    redis.call('DEL', KEYS[i])
  end
  local wait = arrival + cost - now - most
  if wait < 0 then wait = 0 end
  out[2 * i - 1] = lent
  out[2 * i] = math.ceil(wait)
end
return out
`;

/**
 * Who shares it: each instance says every second that it is there, by the clock of Redis; who has not for five is gone.
 * KEYS: the set of instances. ARGV: which one this is. Gives how many there are.
 */
export const PRESENCE_SCRIPT = `
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 5)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 5, '+inf')
redis.call('EXPIRE', KEYS[1], 60)
return redis.call('ZCARD', KEYS[1])
`;
