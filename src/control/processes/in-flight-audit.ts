/**
 * Keeps the fleet's in-flight totals exact. Taking a place is two writes (the worker's own share, the total of all), and
 * a worker that is killed between them leaves a total that no share accounts for; giving one back is the same. Nothing
 * would ever correct that: a server would look one request busier, or idler, for the rest of the run.
 *
 * Expected work in flight, and the requests in transfer, are kept and looked after in the same way.
 *
 * So the totals are compared with the sums of the shares. While traffic flows the two differ for nanoseconds all the
 * time; an error is what stays the same over several looks. Should a look be wrong all the same, because a worker was
 * stopped between its two writes for so long, then its next write makes a difference again, which is found the same way.
 */
import { Header, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";

/** Looks in a row that must find the same difference. */
const LOOKS = 3;

/** What is counted. */
export type InFlightCount = "requests" | "expected work" | "in transfer";

/** A total that was off. */
export type InFlightCorrection = {
  readonly slot: number;
  readonly count: InFlightCount;
  /** What was taken off the total; negative = added. Expected work is in `WORK_UNIT`ths of a mean request. */
  readonly off: number;
};

export class InFlightAudit {
  readonly #columns: readonly ColumnAudit[];

  constructor(memory: SharedMemory) {
    const { servers, peers } = memory;
    this.#columns = [
      new ColumnAudit(memory, "requests", servers.inFlight, peers.inFlight, ({ ownInFlight }) => ownInFlight),
      new ColumnAudit(
        memory,
        "expected work",
        servers.workInFlight,
        peers.workInFlight,
        ({ ownWorkInFlight }) => ownWorkInFlight,
      ),
      new ColumnAudit(
        memory,
        "in transfer",
        servers.transferring,
        peers.transferring,
        ({ ownTransferring }) => ownTransferring,
      ),
    ];
  }

  /** Looks once; call it some times a second. Returns what was corrected, mostly nothing. */
  tick(): readonly InFlightCorrection[] {
    return this.#columns.flatMap((column) => column.tick());
  }
}

class ColumnAudit {
  readonly #memory: SharedMemory;
  readonly #count: InFlightCount;
  readonly #total: Int32Array;
  /** What other instances have of it. */
  readonly #peers: Int32Array;
  readonly #shareOf: (block: WorkerBlock) => Int32Array;
  /** By slot: the difference at the last look, and how many looks have found it. */
  readonly #difference: Int32Array;
  readonly #seen: Uint8Array;

  constructor(
    memory: SharedMemory,
    count: InFlightCount,
    total: Int32Array,
    peers: Int32Array,
    shareOf: (block: WorkerBlock) => Int32Array,
  ) {
    this.#memory = memory;
    this.#count = count;
    this.#total = total;
    this.#peers = peers;
    this.#shareOf = shareOf;
    this.#difference = new Int32Array(total.length);
    this.#seen = new Uint8Array(total.length);
  }

  tick(): InFlightCorrection[] {
    const total = this.#total;
    const corrected: InFlightCorrection[] = [];
    for (let slot = 0; slot < total.length; slot++) {
      const off = Atomics.load(total, slot) - this.#sumOfShares(slot);
      if (off === 0 || off !== this.#difference[slot]) {
        this.#difference[slot] = off;
        this.#seen[slot] = 1;
        continue;
      }
      if (++this.#seen[slot] < LOOKS) continue;
      Atomics.sub(total, slot, off);
      this.#difference[slot] = 0;
      corrected.push({ slot, count: this.#count, off });
    }
    return corrected;
  }

  #sumOfShares(slot: number): number {
    const { header, workers } = this.#memory;
    let sum = Atomics.load(this.#peers, slot);
    for (let i = 0; i < header[Header.WORKER_BLOCKS]; i++) sum += Atomics.load(this.#shareOf(workers[i]), slot);
    return sum;
  }
}
