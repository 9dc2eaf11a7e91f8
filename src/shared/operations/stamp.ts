/**
 * When changes were made, in one order for all instances: hybrid logical time (Kulkarni et al., 2014). It goes with the wall
 * clock, never backwards, and never behind what was heard of others: who changes what another has changed comes later, however
 * wrong the clocks are. A stamp is a text of which the greater one is the later.
 */

/** Milliseconds since the epoch, how many before in that millisecond, and which instance. */
const STAMP = /^(\d{15})-(\d{6})-([0-9a-f]{16})$/;
/** What no clock says: the year 9999. */
const MOST_MS = 253_402_300_799_999;
const MOST_COUNT = 999_999;

/** Is it one, of a time that may have been? */
export function isStamp(text: string): boolean {
  const match = STAMP.exec(text);
  return match !== null && Number(match[1]) <= MOST_MS;
}

/** Milliseconds since the epoch, by the clocks that it followed. */
export function stampMs(stamp: string): number {
  return Number(stamp.slice(0, 15));
}

/** The stamp of something that was made before there were stamps. @param instance 16 hexadecimal digits. */
export function stampOf(ms: number, instance: string): string {
  return stampText(Math.min(MOST_MS, Math.max(0, Math.floor(ms))), 0, instance);
}

/** One instance's. */
export class HybridClock {
  readonly #instance: string;
  readonly #wallMs: () => number;
  #ms = 0;
  #count = -1;

  /** @param instance 16 hexadecimal digits. @param wallMs milliseconds since the epoch. */
  constructor(instance: string, wallMs: () => number) {
    this.#instance = instance;
    this.#wallMs = wallMs;
  }

  /** The next one: later than all that were given and heard. */
  next(): string {
    const wallMs = Math.min(MOST_MS, Math.floor(this.#wallMs()));
    if (wallMs > this.#ms) [this.#ms, this.#count] = [wallMs, 0];
    else if (this.#count < MOST_COUNT) this.#count++;
    else [this.#ms, this.#count] = [this.#ms + 1, 0];
    return stampText(this.#ms, this.#count, this.#instance);
  }

  /** There is this one: the next are later. */
  hear(stamp: string): void {
    const [ms, count] = [stampMs(stamp), Number(stamp.slice(16, 22))];
    if (ms > this.#ms || (ms === this.#ms && count > this.#count)) [this.#ms, this.#count] = [ms, count];
  }
}

function stampText(ms: number, count: number, instance: string): string {
  return `${String(ms).padStart(15, "0")}-${String(count).padStart(6, "0")}-${instance}`;
}
