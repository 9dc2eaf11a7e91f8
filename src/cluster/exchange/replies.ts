/** What an answer of Redis may look like at all: others wrote what is in it. */

/** Something that an instance has put there, and when, by the clock of Redis. */
export interface Said {
  readonly id: string;
  /** NaN = no instance of ours has put it there. */
  readonly atMs: number;
  /** The clock as it stands there. */
  readonly clock: string;
  readonly text: string;
}

/** Digits of the clock of Redis, and of the turns of sums. */
const CLOCK_DIGITS = 14;

/** Reads a hash of Redis: ids, and texts behind the clock. Throws an `Error` where it is none. */
export function readSaid(pairs: unknown): Said[] {
  const texts = textsOf(pairs);
  if (texts.length % 2 !== 0) throw notOurs();
  return Array.from({ length: texts.length / 2 }, (_, i) => {
    const [id, value] = [texts[2 * i], texts[2 * i + 1]];
    const clock = value.slice(0, CLOCK_DIGITS);
    const isOurs = /^[0-9a-f]{16}$/.test(id) && /^\d{14}$/.test(clock);
    return { id, clock, atMs: isOurs ? Number(clock) : Number.NaN, text: value.slice(CLOCK_DIGITS) };
  });
}

/** The clock, or a turn. Throws an `Error` where there is none. */
export function readDigits(text: unknown, at = 0): number {
  if (typeof text !== "string") throw notOurs();
  const digits = text.slice(at, at + CLOCK_DIGITS);
  if (!/^\d{14}$/.test(digits)) throw notOurs();
  return Number(digits);
}

/** Throws an `Error` where it is no list of texts. */
export function textsOf(list: unknown): readonly string[] {
  if (!Array.isArray(list) || !list.every((one) => typeof one === "string")) throw notOurs();
  return list;
}

/** An answer that no script of ours gives: somebody else writes to these keys. */
export class NotOursError extends Error {}

/** One of them. */
export function notOurs(): NotOursError {
  return new NotOursError("an answer that is none of ours");
}
