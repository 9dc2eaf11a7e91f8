/**
 * Which keys a limit refuses most, in one worker's part: Space-Saving (Metwally, Agrawal and El Abbadi, 2005) with randomised admission
 * (Ben Basat, Einziger, Friedman and Kassner, 2017). A key that is none of those kept takes the place of the one with the lowest
 * count n by a chance of 1 in n + 1, and goes on from there: keys that come once hardly ever do, and cost next to nothing.
 * Writer: that worker. Readers: whoever shows them; a length is written after its name.
 */
import type { KeyHash } from "./half-sip-hash.ts";
import { type LimitWorkerPart, REFUSED_NAME_BYTES, REFUSED_ROWS } from "./limit-file.ts";

/** One of them. */
export interface RefusedKey {
  readonly name: string;
  /** About so often. */
  readonly count: number;
  /** Milliseconds of the boot clock. */
  readonly lastMs: number;
}

/** One worker's writer. */
export class RefusedKeys {
  readonly #part: LimitWorkerPart;
  /** Hashes of the keys. Of those that a predecessor has left nobody knows them: they stay until others take their rows. */
  readonly #hi = new Int32Array(REFUSED_ROWS);
  readonly #lo = new Int32Array(REFUSED_ROWS);
  /** Of xorshift32 (Marsaglia, 2003): what keys come is chance enough. */
  #chance = 0x9e3779b9;

  constructor(part: LimitWorkerPart) {
    this.#part = part;
  }

  /** It was refused once more. @param nameOf how people call it: only asked for if nobody knows. */
  add({ hi, lo }: KeyHash, nameOf: () => string, bootMs: number): void {
    const { refusedCounts: counts, refusedLastMs } = this.#part;
    let row = 0;
    while (row < REFUSED_ROWS && (this.#hi[row] !== hi || this.#lo[row] !== lo)) row++;
    if (row === REFUSED_ROWS) {
      row = 0;
      for (let i = 1; i < REFUSED_ROWS; i++) if (counts[i] < counts[row]) row = i;
      if (!this.#isAdmitted(counts[row])) return;
      this.#rename(row, nameOf());
      this.#hi[row] = hi;
      this.#lo[row] = lo;
    }
    counts[row]++;
    refusedLastMs[row] = bootMs;
  }

  #isAdmitted(least: number): boolean {
    if (least === 0) return true;
    this.#chance ^= this.#chance << 13;
    this.#chance ^= this.#chance >>> 17;
    this.#chance ^= this.#chance << 5;
    return ((this.#chance >>> 0) / 2 ** 32) * (least + 1) < 1;
  }

  #rename(row: number, name: string): void {
    const { refusedLengths, refusedNames } = this.#part;
    const start = row * REFUSED_NAME_BYTES;
    Atomics.store(refusedLengths, row, 0);
    const { written } = ENCODER.encodeInto(name, refusedNames.subarray(start, start + REFUSED_NAME_BYTES));
    Atomics.store(refusedLengths, row, written);
  }
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Those of all workers together, the most refused first. */
export function mostRefused(parts: readonly LimitWorkerPart[], most: number): RefusedKey[] {
  const byName = new Map<string, RefusedKey>();
  for (const part of parts) {
    for (let row = 0; row < REFUSED_ROWS; row++) {
      const name = nameAt(part, row);
      if (name === null) continue;
      const count = part.refusedCounts[row];
      const lastMs = part.refusedLastMs[row];
      const known = byName.get(name);
      byName.set(name, {
        name,
        count: (known?.count ?? 0) + count,
        lastMs: Math.max(known?.lastMs ?? 0, lastMs),
      });
    }
  }
  return [...byName.values()].sort((a, b) => b.count - a.count || b.lastMs - a.lastMs).slice(0, most);
}

function nameAt({ refusedLengths, refusedNames }: LimitWorkerPart, row: number): string | null {
  const length = Atomics.load(refusedLengths, row);
  if (length <= 0 || length > REFUSED_NAME_BYTES) return null;
  const start = row * REFUSED_NAME_BYTES;
  const name = DECODER.decode(refusedNames.slice(start, start + length));
  return Atomics.load(refusedLengths, row) === length ? name : null;
}
