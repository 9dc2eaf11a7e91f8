/** Reads the server table as one complete snapshot. Any process; see layout/shared-memory.ts for the rules. */
import { Header, type PoolTable, type ServerTable, type SharedMemory } from "../layout/shared-memory.ts";

const fenceWord = new Int32Array(new SharedArrayBuffer(4));

/**
 * Keeps plain loads and stores on their side. `Atomics.load` and `Atomics.store` alone are only one-way barriers on ARM;
 * a read-modify-write, of whatever word, is one both ways.
 */
export function fence(): void {
  Atomics.add(fenceWord, 0, 0);
}

/** The table's version: compare it with the last one seen to learn whether anything was published. Odd = in writing. */
export function serverTableVersion(memory: SharedMemory): number {
  return Atomics.load(memory.header, Header.TABLE_VERSION);
}

/** What `read` made of a complete snapshot, and its version. */
export interface StableRead<T> {
  readonly version: number;
  readonly value: T;
}

/**
 * Runs `read` until it saw one complete snapshot, and returns what it made of that. `read` must copy what it needs and
 * have no other effect: it is run again when the supervisor wrote meanwhile.
 * @param attempts bound on tries; a write takes microseconds.
 * @returns `undefined` when every try was overtaken (or the writer died half-way): keep the view you have.
 */
export function readServerTable<T>(
  memory: SharedMemory,
  read: (table: ServerTable, pools: PoolTable) => T,
  attempts = 1000,
): StableRead<T> | undefined {
  const { header, servers, pools } = memory;
  for (let i = 0; i < attempts; i++) {
    const version = Atomics.load(header, Header.TABLE_VERSION);
    if ((version & 1) !== 0) continue;
    fence();
    const value = read(servers, pools);
    fence();
    if (Atomics.load(header, Header.TABLE_VERSION) === version) return { version, value };
  }
  return undefined;
}
