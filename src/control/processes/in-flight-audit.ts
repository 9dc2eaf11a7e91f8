/**
 * Keeps the fleet's in-flight totals exact. Taking a place is two writes (the worker's own share, the total of all), and
 * a worker that is killed between them leaves a total that no share accounts for; giving one back is the same. Nothing
 * would ever correct that: a server would look one request busier, or idler, for the rest of the run.
 *
 * So the totals are compared with the sums of the shares. While traffic flows the two differ for nanoseconds all the
 * time; an error is what stays the same over several looks. Should a look be wrong all the same, because a worker was
 * stopped between its two writes for so long, then its next write makes a difference again, which is found the same way.
 */
import { Header, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";

/** Looks in a row that must find the same difference. */
const LOOKS = 3;

/** A total that was off. */
export type InFlightCorrection = {
  readonly slot: number;
  /** What was taken off the total; negative = added. */
  readonly off: number;
};

export class InFlightAudit {
  readonly #memory: SharedMemory;
  /** By slot: the difference at the last look, and how many looks have found it. */
  readonly #difference: Int32Array;
  readonly #seen: Uint8Array;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
    const slots = memory.servers.inFlight.length;
    this.#difference = new Int32Array(slots);
    this.#seen = new Uint8Array(slots);
  }

  /** Looks once; call it some times a second. Returns what was corrected, mostly nothing. */
  tick(): readonly InFlightCorrection[] {
    const { inFlight } = this.#memory.servers;
    const corrected: InFlightCorrection[] = [];
    for (let slot = 0; slot < inFlight.length; slot++) {
      const off = Atomics.load(inFlight, slot) - this.#sumOfShares(slot);
      if (off === 0 || off !== this.#difference[slot]) {
        this.#difference[slot] = off;
        this.#seen[slot] = 1;
        continue;
      }
      if (++this.#seen[slot] < LOOKS) continue;
      Atomics.sub(inFlight, slot, off);
      this.#difference[slot] = 0;
      corrected.push({ slot, off });
    }
    return corrected;
  }

  #sumOfShares(slot: number): number {
    const { header, workers } = this.#memory;
    let sum = 0;
    for (let i = 0; i < header[Header.WORKER_BLOCKS]; i++) sum += Atomics.load(workers[i].ownInFlight, slot);
    return sum;
  }
}
