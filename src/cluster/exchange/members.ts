/** Who is there, with what each says of itself. */
import { z } from "zod";
import type { Said } from "./replies.ts";
import type { ClusterMember, MemberDescription } from "./round.ts";

/** The most instances of a cluster. */
export const MOST_MEMBERS = 1_000;
/** Who is silent for longer is not counted, milliseconds of the clock of Redis; as long in the future: that clock was set. */
export const SILENT_MS = 2_000;
/** Who describes itself once a second, and has not for so long, is shown no more. */
const UNSEEN_MS = 3_000;
/** The longest description, characters. */
const MOST_CHARACTERS = 1_024;

/** Of a longer name others are told the beginning. */
const MOST_NAME = 256;

const descriptionSchema = z.object({
  name: z.string().max(MOST_NAME),
  version: z.string().max(64),
  sinceMs: z.number().min(0).max(8.64e15),
  figures: z.record(z.string().max(64), z.number()),
});

/** What an instance says of itself, as it is kept. */
export function writeDescription(description: MemberDescription): string {
  const text = JSON.stringify({ ...description, name: description.name.slice(0, MOST_NAME) });
  if (text.length <= MOST_CHARACTERS) return text;
  return JSON.stringify({ ...description, name: description.name.slice(0, 64), figures: {} });
}

/**
 * @param said by id, the clock before each.
 * @param nowMs the clock of Redis.
 * @param self which one this is.
 * @param heard when each told its numbers last; `null` = not known, then it is as old as what it said of itself.
 */
export function readMembers(
  said: readonly Said[],
  nowMs: number,
  self: string,
  heard: ReadonlyMap<string, number> | null,
): ClusterMember[] {
  const members: ClusterMember[] = [];
  for (const { id, atMs, text } of said) {
    const ageMs = nowMs - atMs;
    const description = readDescription(text);
    if (!(Math.abs(ageMs) <= UNSEEN_MS) || description === null) continue;
    const numbersMs = heard === null ? ageMs : nowMs - (heard.get(id) ?? Number.NaN);
    if (heard !== null && !(Math.abs(numbersMs) <= SILENT_MS)) continue;
    members.push({ id, self: id === self, ageMs: Math.max(0, numbersMs), description });
  }
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** `null` = nothing that an instance of ours would say. */
function readDescription(text: string): MemberDescription | null {
  if (text.length > MOST_CHARACTERS) return null;
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
