/** How what is learned of a pool's servers is kept in Redis, and read: one round trip. */
import { MOST_BYTES } from "./packed.ts";

/** What an instance has told is believed for so long, milliseconds; then it is taken out. */
export const BELIEVED_MS = 10_000;
/** The most instances that are kept. */
const MOST_INSTANCES = 1_000;
/** Those of so many others are told at once, and no more bytes: who comes next is told in the next round. */
const MOST_TOLD = 4;
const MOST_TOLD_BYTES = 512 * 1024;

/** Digits of the clock of Redis before what an instance tells, milliseconds. */
const CLOCK_DIGITS = 14;

/**
 * KEYS: the pool's knowledge. ARGV: which instance this is, what it tells (empty = nothing), and after whom to go on. Gives triples:
 * which instance, how old its word is in milliseconds, and what it tells.
 */
export const KNOWLEDGE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else
  if redis.call('HLEN', KEYS[1]) >= ${MOST_INSTANCES} and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
    return redis.error_reply('NBFULL ${MOST_INSTANCES} instances are there already')
  end
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%0${CLOCK_DIGITS}d', now) .. ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ${BELIEVED_MS})
end
local ids = redis.call('HKEYS', KEYS[1])
table.sort(ids)
local first = 1
while first <= #ids and ids[first] <= ARGV[3] do first = first + 1 end
local told = {}
local bytes = 0
for i = 0, #ids - 1 do
  local id = ids[(first - 1 + i) % #ids + 1]
  if id ~= ARGV[1] then
    local said = redis.call('HGET', KEYS[1], id)
    local at = tonumber(string.sub(said, 1, ${CLOCK_DIGITS}))
    if at == nil or #said > ${MOST_BYTES + CLOCK_DIGITS} or math.abs(now - at) > ${BELIEVED_MS} then redis.call('HDEL', KEYS[1], id)
    else
      if #told >= ${3 * MOST_TOLD} or bytes + #said > ${MOST_TOLD_BYTES} then break end
      bytes = bytes + #said
      told[#told + 1] = id
      told[#told + 1] = string.format('%d', math.max(0, now - at))
      told[#told + 1] = string.sub(said, ${CLOCK_DIGITS + 1})
    end
  end
end
return told
`;

/** What one of the others tells. */
export interface ToldBytes {
  readonly id: string;
  /** How old it is, milliseconds. */
  readonly ageMs: number;
  readonly bytes: Uint8Array;
}

/** Reads what the script gives, as bytes. Throws an `Error` when it is none of ours. */
export function readTold(answer: unknown): ToldBytes[] {
  if (!Array.isArray(answer) || answer.length % 3 !== 0 || answer.length > 3 * MOST_TOLD) throw notOurs();
  const told: ToldBytes[] = [];
  for (let i = 0; i < answer.length; i += 3) {
    const [name, age, bytes] = answer.slice(i, i + 3) as unknown[];
    if (!(name instanceof Uint8Array && age instanceof Uint8Array && bytes instanceof Uint8Array)) throw notOurs();
    const id = Buffer.from(name).toString("latin1");
    const ageMs = Number(Buffer.from(age).toString("latin1"));
    if (!/^[0-9a-f]{16}$/.test(id)) continue;
    if (!(ageMs >= 0 && ageMs <= BELIEVED_MS)) throw notOurs();
    told.push({ id, ageMs, bytes });
  }
  return told;
}

function notOurs(): Error {
  return new Error("an answer that is none of ours");
}
