/** Publishes the server table. Writer: the supervisor's fleet, alone. Readers: reader.ts beside it. */
import { Header, type PoolTable, ServerState, type ServerTable, type SharedMemory } from "../layout/shared-memory.ts";
import { fence } from "./reader.ts";

/** The published columns of one slot. The live ones (`inFlight`, failures in a row) are not part of a snapshot. */
export interface ServerRow {
  readonly id: number;
  /** Row of its pool. */
  readonly pool: number;
  readonly state: ServerState;
  readonly weight: number;
  readonly effectiveWeight: number;
  readonly capacity: number;
  readonly hardLimit: number;
}

/** The row of a slot that no server has. */
export const FREE_ROW: ServerRow = Object.freeze({
  id: 0,
  pool: 0,
  state: ServerState.EMPTY,
  weight: 0,
  effectiveWeight: 0,
  capacity: 0,
  hardLimit: 0,
});

export class ServerTableWriter {
  readonly #header: Int32Array;
  readonly #table: ServerTable;
  readonly #pools: PoolTable;

  constructor(memory: SharedMemory) {
    this.#header = memory.header;
    this.#table = memory.servers;
    this.#pools = memory.pools;
  }

  /**
   * Publishes rows by slot, and whether panic routing is on in the pool in row `pool`, as one snapshot. What is the same as before is not written,
   * and when all of it is, the version stays, so that workers do not rebuild their candidates for nothing.
   * @returns whether there was anything to publish.
   */
  publish(rows: ReadonlyMap<number, ServerRow>, pool: number, panic: boolean): boolean {
    const changed: [number, ServerRow][] = [];
    for (const [slot, row] of rows) if (this.#differs(slot, row)) changed.push([slot, row]);
    const panicWord = panic ? 1 : 0;
    if (changed.length === 0 && this.#pools.panic[pool] === panicWord) return false;
    Atomics.add(this.#header, Header.TABLE_VERSION, 1); // odd: readers wait
    fence();
    try {
      for (const [slot, row] of changed) this.#write(slot, row);
      this.#pools.panic[pool] = panicWord;
    } finally {
      fence();
      Atomics.add(this.#header, Header.TABLE_VERSION, 1); // even: complete
    }
    return true;
  }

  /** Load figures, percent, NaN = unknown. Each is one aligned 64-bit word: no snapshot, no new version. */
  setUsage(slot: number, cpuPercent: number, memoryPercent: number): void {
    this.#table.cpuUsagePercent[slot] = cpuPercent;
    this.#table.memoryUsagePercent[slot] = memoryPercent;
  }

  #differs(slot: number, row: ServerRow): boolean {
    const t = this.#table;
    return (
      t.id[slot] !== row.id ||
      t.pool[slot] !== row.pool ||
      t.state[slot] !== row.state ||
      t.weight[slot] !== row.weight ||
      t.effectiveWeight[slot] !== row.effectiveWeight ||
      t.capacity[slot] !== row.capacity ||
      t.hardLimit[slot] !== row.hardLimit
    );
  }

  #write(slot: number, row: ServerRow): void {
    const t = this.#table;
    t.id[slot] = row.id;
    t.pool[slot] = row.pool;
    t.state[slot] = row.state;
    t.weight[slot] = row.weight;
    t.effectiveWeight[slot] = row.effectiveWeight;
    t.capacity[slot] = row.capacity;
    t.hardLimit[slot] = row.hardLimit;
  }
}
