/**
 * Which keys a limit refuses most, in one worker's part: the Space-Saving algorithm (Metwally, Agrawal and El Abbadi, 2005). A key
 * that is none of those kept takes the place of the one with the lowest count, and goes on from there: counts are upper bounds,
 * and who was refused more often than one in `REFUSED_ROWS` of all times is among them.
 * Writer: that worker. Readers: whoever shows them; a length is written after its name.
 */
import type { KeyHash } from "./half-sip-hash.ts";
import { type LimitWorkerPart, REFUSED_NAME_BYTES, REFUSED_ROWS } from "./limit-file.ts";

/** One of them. */
export interface RefusedKey {
  readonly name: string;
  /** At most so often. */
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
      this.#rename(row, nameOf());
      this.#hi[row] = hi;
      this.#lo[row] = lo;
    }
    counts[row]++;
    refusedLastMs[row] = bootMs;
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
