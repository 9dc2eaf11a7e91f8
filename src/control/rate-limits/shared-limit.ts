/** What every limit that instances share has in the supervisor, whatever it counts. */
import type { RedisLink } from "../../cluster/redis/link.ts";
import { type LimitMemory, SharingWord } from "../../shared/memory/rate-limits/limit-file.ts";

/** Keys that Redis is asked about at once. */
const BATCH = 256;

/** With whom, and when. */
export interface Round {
  readonly link: RedisLink;
  /** Milliseconds of the boot clock. */
  readonly bootMs: () => number;
  readonly instances: number;
}

/** One of them. */
export interface SharedLimit {
  /** The name of its file. */
  readonly file: string;
  /** Keys in use here. */
  readonly size: number;
  /** Tells Redis what has passed, and borrows. Rejects when it does not answer; what was to be told is told then later. */
  settle(round: Round): Promise<void>;
  /** Redis does not answer. */
  lost(bootMs: number, instances: number): void;
}

/** Tells workers that Redis was heard of, and how many instances share it. */
export function tellHeard({ sharing: { words } }: LimitMemory, bootMs: number, instances: number): void {
  words[SharingWord.INSTANCES] = instances;
  words[SharingWord.HEARD_MS] = bootMs;
}

/** Tells workers that it is away, and of how many instances this is one: they go by that at once. */
export function tellLost({ sharing: { words } }: LimitMemory, instances: number): void {
  words[SharingWord.INSTANCES] = instances;
  words[SharingWord.HEARD_MS] = Number.NEGATIVE_INFINITY;
}

/** A question about one key: its name in Redis, two numbers that are said of it, and who hears the two of the answer. */
export interface Question {
  readonly name: string;
  readonly first: number;
  readonly second: number;
  answered(first: number, second: number, nowMs: number): void;
}

/** Asks about all of them, in as many calls as it takes. Rejects with the first that fails: what follows is not asked. */
export async function ask(
  { link, bootMs }: Round,
  script: string,
  common: readonly (string | number)[],
  questions: readonly Question[],
): Promise<void> {
  for (let at = 0; at < questions.length; at += BATCH) {
    const batch = questions.slice(at, at + BATCH);
    const said = batch.flatMap(({ first, second }) => [first, second]);
    const names = batch.map(({ name }) => name);
    const answer = checked(await link.eval(script, names, [...common, ...said].map(String)), 2 * batch.length);
    const nowMs = bootMs();
    for (const [i, question] of batch.entries()) question.answered(answer[2 * i], answer[2 * i + 1], nowMs);
  }
}

/** What Redis said, if it can be meant. Throws. */
function checked(answer: unknown, length: number): number[] {
  const numbers = Array.isArray(answer) ? answer.map(Number) : [];
  if (numbers.length !== length || !numbers.every((number) => number >= -1 && number < 1e15)) {
    throw new Error("an answer that is none of ours");
  }
  return numbers;
}

/** How a limit and its keys are called in Redis: all of one limit are in one slot of a Redis Cluster. */
export function keyPrefix(cluster: string, limit: string): string {
  return `neurabalancer:1:{${cluster}:${limit}}:`;
}

/** A hash as a key has it. */
export function hashText(hi: number, lo: number): string {
  return hex(hi) + hex(lo);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
