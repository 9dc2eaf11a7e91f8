/**
 * Which servers may take a request now, asked in one place: health, drain, ejection, panic, capacity and "not the one
 * that just failed". The strategy only chooses among what is left.
 */
import { isEligible } from "../balancing/eligibility.ts";
import type { Strategy } from "../balancing/strategy.ts";
import { Header, MAX_SERVERS, type ServerTable, type SharedMemory, type WorkerBlock } from "../shared/layout.ts";
import { readServerTable } from "../shared/server-table-reader.ts";
import type { DecisionWriter, EndedAttempt } from "./decision-log.ts";

/** No server may take requests at all. */
export const NO_SERVER = -1;
/** There are servers, but all are at their hard limit. */
export const ALL_FULL = -2;

/** What the picker wants of a request. */
export interface PickedRequest {
  /** Hash of what it sticks to. */
  readonly key: number;
  readonly requestIdBuffer: Buffer;
  readonly requestIdStart: number;
  readonly requestIdEnd: number;
}

/** Finds a server with room and keeps the count of requests in flight. */
export class Picker {
  readonly #memory: SharedMemory;
  readonly #own: WorkerBlock;
  #strategy: Strategy;
  /** What the strategy notes its choices in; `null` for those that do not. */
  #decisions: DecisionWriter | null;
  /** Slots that this worker knows an endpoint for: id by slot, 0 = none. */
  readonly #knownIds = new Int32Array(MAX_SERVERS);
  readonly #candidates = new Int32Array(MAX_SERVERS);
  readonly #filtered = new Int32Array(MAX_SERVERS);
  #count = 0;
  #limited = false;
  #filteredLimited = false;
  #seenVersion = -1;
  #inFlightAtDispatch = 0;

  constructor(memory: SharedMemory, own: WorkerBlock, strategy: Strategy, decisions: DecisionWriter | null) {
    this.#memory = memory;
    this.#own = own;
    this.#strategy = strategy;
    this.#decisions = decisions;
  }

  get usesKey(): boolean {
    return this.#strategy.usesKey === true;
  }

  setStrategy(strategy: Strategy, decisions: DecisionWriter | null): void {
    this.#strategy = strategy;
    this.#decisions = decisions;
    this.#seenVersion = -1;
  }

  /** Tells which server each slot means to this worker. */
  setKnownIds(ids: Iterable<readonly [slot: number, id: number]>): void {
    const before = this.#knownIds.slice();
    this.#knownIds.fill(0);
    for (const [slot, id] of ids) this.#knownIds[slot] = id;
    this.#seenVersion = -1;
    // Until the table can be read again, those that stay are chosen from: the others' endpoints are gone.
    const kept = this.#candidates
      .subarray(0, this.#count)
      .filter((slot) => before[slot] !== 0 && this.#knownIds[slot] === before[slot]);
    this.#candidates.set(kept);
    this.#count = kept.length;
  }

  /**
   * Chooses a server and takes one of its in-flight places. Give the place back with `release`.
   * @param excluded slots to avoid if any other will do.
   * @returns a slot, `NO_SERVER` or `ALL_FULL`.
   */
  acquire(request: PickedRequest, nowMs: number, excluded: readonly number[]): number {
    if (this.#memory.header[Header.TABLE_VERSION] !== this.#seenVersion) this.#refresh();
    if (this.#count === 0) return NO_SERVER;
    const { key } = request;
    this.#decisions?.setRequest(request.requestIdBuffer, request.requestIdStart, request.requestIdEnd);
    if (!this.#limited && excluded.length === 0) {
      const slot = this.#strategy.pick(this.#candidates, this.#count, key, nowMs);
      this.#take(slot);
      return slot;
    }
    return this.#acquireFiltered(key, nowMs, excluded);
  }

  /** What was in flight at the server that `acquire` gave last, without the request that it was for. */
  get inFlightAtDispatch(): number {
    return this.#inFlightAtDispatch;
  }

  /** Number of the decision behind the slot that `acquire` gave last; 0 = none was noted. */
  get decision(): number {
    return this.#decisions === null ? 0 : this.#decisions.last;
  }

  release(slot: number): void {
    Atomics.sub(this.#memory.servers.inFlight, slot, 1);
    this.#own.ownInFlight[slot]--;
  }

  /** An attempt ended with a complete response head, or without one (`failed`). */
  onOutcome(attempt: EndedAttempt, failed: boolean, nowMs: number): void {
    const { slot, dispatchedMs, inFlightAtDispatch } = attempt;
    const failures = this.#memory.servers.consecutiveFailures;
    if (failed) Atomics.add(failures, slot, 1);
    else if (failures[slot] !== 0) Atomics.store(failures, slot, 0);
    this.#strategy.onOutcome?.(slot, nowMs - dispatchedMs, failed, nowMs, inFlightAtDispatch);
    if (attempt.decision !== 0) this.#decisions?.ended(attempt, failed, nowMs);
  }

  #take(slot: number): number {
    this.#own.ownInFlight[slot]++;
    this.#inFlightAtDispatch = Atomics.add(this.#memory.servers.inFlight, slot, 1);
    return this.#inFlightAtDispatch;
  }

  #acquireFiltered(key: number, nowMs: number, excluded: readonly number[]): number {
    const { inFlight, hardLimit } = this.#memory.servers;
    // Another worker may take the last place between the look and the grab: look again then.
    for (let round = 0; round < 3; round++) {
      let n = 0;
      let roomAtExcluded = -1;
      for (let i = 0; i < this.#count; i++) {
        const slot = this.#candidates[i];
        const limit = hardLimit[slot];
        if (limit > 0 && inFlight[slot] >= limit) continue;
        if (excluded.includes(slot)) roomAtExcluded = slot;
        else this.#filtered[n++] = slot;
      }
      if (n === 0) {
        if (roomAtExcluded < 0) return ALL_FULL;
        this.#filtered[n++] = roomAtExcluded;
      }
      const slot = this.#strategy.pick(this.#filtered, n, key, nowMs);
      const before = this.#take(slot);
      const limit = hardLimit[slot];
      if (limit === 0 || before < limit) return slot;
      this.release(slot);
    }
    return ALL_FULL;
  }

  /** Reads the published table again; keeps the last complete view while the supervisor is writing. */
  #refresh(): void {
    const read = readServerTable(this.#memory, (servers, panic) => this.#readEligible(servers, panic), 3);
    if (read === undefined) return; // the next request tries again
    this.#candidates.set(this.#filtered.subarray(0, read.value));
    this.#count = read.value;
    this.#limited = this.#filteredLimited;
    this.#seenVersion = read.version;
    if (this.#count > 0) this.#strategy.onCandidates?.(this.#candidates, this.#count);
  }

  /** Collects the eligible slots in `#filtered` and returns how many they are. */
  #readEligible(servers: ServerTable, panic: boolean): number {
    let n = 0;
    this.#filteredLimited = false;
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      const id = servers.id[slot];
      if (id === 0 || id !== this.#knownIds[slot]) continue;
      if (!isEligible(servers.state[slot], panic)) continue;
      this.#filtered[n++] = slot;
      if (servers.hardLimit[slot] > 0) this.#filteredLimited = true;
    }
    return n;
  }
}
