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
