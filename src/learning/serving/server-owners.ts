/** Which servers are whose: the server table as the learner reads it, anew whenever it was published anew. */
import { isEligible } from "../../balancing/eligibility.ts";
import { MAX_POOLS, MAX_SERVERS, ServerState, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { readServerTable, serverTableVersion } from "../../shared/memory/server-table/reader.ts";

const NO_SLOTS = new Int32Array(0);

/** Who is in a slot, and who was before: late outcomes are of those. */
interface Owners {
  readonly ids: Int32Array;
  readonly rows: Int32Array;
}

export class ServerOwners {
  readonly #memory: SharedMemory;
  #version = -1;
  #now: Owners = noOwners();
  readonly #before: Owners = noOwners();
  /** By row of the pool. */
  #eligible: readonly Int32Array[] = [];

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Looks at the table. False when nothing is known of it yet: the supervisor is writing. */
  refresh(): boolean {
    const version = serverTableVersion(this.#memory);
    if (version === this.#version) return true;
    const read = readServerTable(this.#memory, ({ id, pool, state }, { panic }) => {
      const eligible: number[][] = [];
      const standby: number[][] = [];
      for (let slot = 0; slot < MAX_SERVERS; slot++) {
        const row = pool[slot];
        if (id[slot] === 0 || row < 0 || row >= MAX_POOLS) continue;
        if (isEligible(state[slot], panic[row] === 1)) push(eligible, row, slot);
        else if (state[slot] === ServerState.STANDBY) push(standby, row, slot);
      }
      // Where backups stand in, they are the fleet.
      return {
        ids: id.slice(),
        rows: pool.slice(),
        eligible: standby.length === 0 ? eligible : merged(eligible, standby),
      };
    });
    if (read === undefined) return this.#version >= 0;
    const { ids, rows, eligible } = read.value;
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      if (this.#now.ids[slot] === ids[slot] || this.#now.ids[slot] === 0) continue;
      this.#before.ids[slot] = this.#now.ids[slot];
      this.#before.rows[slot] = this.#now.rows[slot];
    }
    this.#now = { ids, rows };
    this.#eligible = Array.from(eligible, (slots) => (slots === undefined ? NO_SLOTS : Int32Array.from(slots)));
    this.#version = read.version;
    return true;
  }

  /** The pool in a row is gone: what comes late of its servers is nobody's. */
  forget(row: number): void {
    const { ids, rows } = this.#before;
    for (let slot = 0; slot < MAX_SERVERS; slot++) if (rows[slot] === row) ids[slot] = 0;
  }

  /** Servers of the pool in a row that may be asked. */
  slotsOf(row: number): Int32Array {
    return this.#eligible[row] ?? NO_SLOTS;
  }

  /** Row of the pool that a server is of, or was of before its slot went to another; -1 = it is not known (any more). */
  rowOf(slot: number, id: number): number {
    if (this.#now.ids[slot] === id) return this.#now.rows[slot];
    return this.#before.ids[slot] === id ? this.#before.rows[slot] : -1;
  }
}

function push(lists: number[][], row: number, slot: number): void {
  const slots = lists[row];
  if (slots === undefined) lists[row] = [slot];
  else slots.push(slot);
}

/** The lists of `first`, and those of `second` for rows that have none there. */
function merged(first: readonly number[][], second: readonly number[][]): number[][] {
  return Array.from({ length: Math.max(first.length, second.length) }, (_, row) => first[row] ?? second[row]);
}

function noOwners(): Owners {
  return { ids: new Int32Array(MAX_SERVERS), rows: new Int32Array(MAX_SERVERS) };
}
