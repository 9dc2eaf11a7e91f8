/**
 * Who is there: each instance says so every second, by the clock of Redis, and is shown to the others with what it says of itself.
 * Who has said nothing for a while is gone, and taken out by whoever finds that.
 */
import { z } from "zod";
import type { ClusterMember, MemberDescription } from "./round.ts";

/** Who is silent for longer is not counted, milliseconds of the clock of Redis; as long in the future: that clock was set. */
export const SILENT_MS = 2_000;
/** The most instances of a cluster. */
export const MOST_MEMBERS = 1_000;
/** The longest description, bytes. */
const MOST_BYTES = 1_024;

/** The clock of Redis in milliseconds, as it stands before each description: so many digits. */
const CLOCK_DIGITS = 14;

/**
 * KEYS: members, revision of changes. ARGV: which one this is, what it says of itself, and pairs: who is gone, and when it was there
 * last. Gives the clock, everybody, and the revision.
 */
export const MEMBERS_SCRIPT = `
local time = redis.call('TIME')
local now = string.format('%014d', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 3, #ARGV, 2 do
  local said = redis.call('HGET', KEYS[1], ARGV[i])
  if said and string.sub(said, 1, 14) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
if redis.call('HLEN', KEYS[1]) >= ${MOST_MEMBERS} and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return redis.error_reply('NBFULL ${MOST_MEMBERS} instances are there already')
end
redis.call('HSET', KEYS[1], ARGV[1], now .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], 10000)
return {now, redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2]) or '0'}
`;

/** KEYS: members. ARGV: who goes. */
export const LEAVE_SCRIPT = `return redis.call('HDEL', KEYS[1], ARGV[1])`;

const descriptionSchema = z.object({
  name: z.string().max(256),
  version: z.string().max(64),
  sinceMs: z.number().min(0).max(8.64e15),
  figures: z.record(z.string().max(64), z.number()),
});

/** What an instance says of itself, as it is kept. */
export function writeDescription(description: MemberDescription): string {
  const text = JSON.stringify(description);
  if (Buffer.byteLength(text) <= MOST_BYTES) return text;
  return JSON.stringify({ ...description, name: description.name.slice(0, 64), figures: {} });
}

/** Everybody, as the script tells it. */
export interface MembersAnswer {
  readonly members: readonly ClusterMember[];
  /** Who is gone, and when it was there last: for the next call. */
  readonly gone: readonly (readonly [id: string, at: string])[];
  readonly changes: number;
}

/** Reads what `MEMBERS_SCRIPT` gives. Throws an `Error` when it is none of ours. @param self which one this is. */
export function readMembers(answer: unknown, self: string): MembersAnswer {
  if (!Array.isArray(answer) || answer.length !== 3 || !Array.isArray(answer[1])) throw notOurs();
  const [clock, pairs, revision] = answer as [unknown, readonly unknown[], unknown];
  const nowMs = clockOf(clock);
  const changes = Number(revision);
  if (!Number.isSafeInteger(changes) || pairs.length % 2 !== 0) throw notOurs();
  const members: ClusterMember[] = [];
  const gone: [string, string][] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const [id, said] = [pairs[i], pairs[i + 1]];
    if (typeof id !== "string" || typeof said !== "string") throw notOurs();
    const ageMs = nowMs - clockOf(said.slice(0, CLOCK_DIGITS));
    const description = readDescription(said.slice(CLOCK_DIGITS));
    if (Math.abs(ageMs) > SILENT_MS || description === null || !/^[0-9a-f]{16}$/.test(id)) {
      gone.push([id, said.slice(0, CLOCK_DIGITS)]);
    } else members.push({ id, self: id === self, ageMs: Math.max(0, ageMs), description });
  }
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { members, gone, changes };
}

function clockOf(text: unknown): number {
  if (typeof text !== "string" || !/^\d{14}$/.test(text)) throw notOurs();
  return Number(text);
}

/** `null` = nothing that an instance of ours would say. */
function readDescription(text: string): MemberDescription | null {
  if (text.length > MOST_BYTES) return null;
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** An answer that no script of ours gives: somebody else writes to these keys. */
export function notOurs(): Error {
  return new Error("an answer that is none of ours");
}
