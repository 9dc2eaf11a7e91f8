/**
 * The servers of one pool that may be asked by the table that was published last, and what is to be expected of each. Those in
 * a state to take requests are the candidates; backups stand beside them, and are the candidates where there are no others.
 */
import { isEligible } from "../../balancing/eligibility.ts";
import type { FailingServers, PublishedFleet } from "../../balancing/failing-servers.ts";
import { Ineligible } from "../../shared/memory/layout/explain.ts";
import {
  Header,
  isWithdrawn,
  MAX_SERVERS,
  ServerState,
  type ServerTable,
  type SharedMemory,
  type WorkerBlock,
} from "../../shared/memory/layout/shared-memory.ts";
import { readServerTable } from "../../shared/memory/server-table/reader.ts";
import { IneligibleServers } from "./ineligible-servers.ts";
import { Rank } from "./rank.ts";

/** Looks at the table while it is written, where there is no view to go on with: it is written within microseconds. */
const MOST_LOOKS = 20_000;

/** What was read of the table. */
interface ReadFleet extends PublishedFleet {
  readonly eligible: number;
  readonly backups: number;
  readonly limited: boolean;
}

/** Those of one pool in one worker. */
export class Candidates {
  readonly #memory: SharedMemory;
  readonly #own: WorkerBlock;
  readonly #pool: number;
  readonly #failing: FailingServers;
  /** Slots that this worker knows an endpoint for: id by slot, 0 = none. */
  readonly #knownIds = new Int32Array(MAX_SERVERS);
  /** Backups that may be asked, and then the candidates: `[0 … total)`. */
  readonly all = new Int32Array(MAX_SERVERS);
  /** How many of these are backups. */
  backups = 0;
  /** What the strategy chooses from, `[0 … count)`: the rest of `all`. */
  list = this.all;
  count = 0;
  /** One of them has a hard limit. */
  limited = false;
  /** Servers of the pool that are ejected. */
  ejected = 0;
  /** Of the servers in the table: those that may not be asked, backups left out. */
  readonly absent = new IneligibleServers();
  readonly #absentRead = new IneligibleServers();
  readonly #read = new Int32Array(MAX_SERVERS);
  readonly #backupsRead = new Int32Array(MAX_SERVERS);
  /** By slot: what this worker had counted of `responses` before its present server came. */
  readonly #responsesBefore = new Float64Array(MAX_SERVERS);
  #seenVersion = -1;

  /** @param pool its row. */
  constructor(memory: SharedMemory, own: WorkerBlock, pool: number, failing: FailingServers) {
    this.#memory = memory;
    this.#own = own;
    this.#pool = pool;
    this.#failing = failing;
  }

  get total(): number {
    return this.backups + this.count;
  }

  /** A table was published since it was read last. */
  get outdated(): boolean {
    return this.#memory.header[Header.TABLE_VERSION] !== this.#seenVersion;
  }

  /** The table counts as not read. */
  forget(): void {
    this.#seenVersion = -1;
  }

  /** Tells which server each slot means to this worker. */
  setKnownIds(ids: Iterable<readonly [slot: number, id: number]>): void {
    const before = this.#knownIds.slice();
    this.#knownIds.fill(0);
    for (const [slot, id] of ids) {
      this.#knownIds[slot] = id;
      if (before[slot] !== id) this.#responsesBefore[slot] = this.#own.responses[slot];
    }
    this.forget();
    // Until the table can be read again, those that stay are chosen from: the others' endpoints are gone.
    const stays = (slot: number): boolean => before[slot] !== 0 && this.#knownIds[slot] === before[slot];
    const backups = this.all.slice(0, this.backups).filter(stays);
    this.#adopt(backups, this.list.slice(0, this.count).filter(stays));
  }

  /** Does `slot` have the server with this id, as far as this worker knows? */
  isKnown(slot: number, id: number): boolean {
    return this.#knownIds[slot] === id;
  }

  /** May `slot` be asked, as a candidate or a backup? */
  includes(slot: number): boolean {
    const { total } = this;
    for (let i = 0; i < total; i++) if (this.all[i] === slot) return true;
    return false;
  }

  isBackup(slot: number): boolean {
    for (let i = 0; i < this.backups; i++) if (this.all[i] === slot) return true;
    return false;
  }

  /** Reads the published table again; keeps the last complete view while the supervisor is writing. @returns whether it was read. */
  refresh(): boolean {
    const read = readServerTable(
      this.#memory,
      (servers, pools) => this.#readEligible(servers, pools.panic[this.#pool] === 1),
      this.count === 0 ? MOST_LOOKS : 3,
    );
    if (read === undefined) return false; // the next request tries again
    const { backups, eligible, ejected, limited } = read.value;
    this.absent.copy(this.#absentRead);
    this.ejected = ejected;
    this.#adopt(this.#backupsRead.subarray(0, backups), this.#read.subarray(0, eligible));
    this.limited = limited;
    this.#seenVersion = read.version;
    this.#failing.onTable(read.value);
    return true;
  }

  /**
   * `Rank` of a server for a request.
   * @param excluded slots that failed it, or have it.
   * @param again it has failed: one that is known to answer comes first.
   */
  rank(slot: number, excluded: readonly number[], again: boolean): number {
    const { state, consecutiveFailures } = this.#memory.servers;
    const fails = consecutiveFailures[slot] > 0;
    if (excluded.includes(slot)) return fails ? Rank.FAILED : Rank.TRIED;
    if (this.#failing.isPassedOver(slot)) return Rank.PASSED_OVER;
    if (!again) return Rank.RESPONDS;
    if (fails) return Rank.DOUBTFUL;
    if (this.#own.responses[slot] > this.#responsesBefore[slot]) return Rank.RESPONDS;
    return state[slot] === ServerState.UP || state[slot] === ServerState.STANDBY ? Rank.UNKNOWN : Rank.DOUBTFUL;
  }

  /** Makes them those that are chosen from. Without candidates the backups are. */
  #adopt(backups: Int32Array, candidates: Int32Array): void {
    this.all.set(backups);
    this.all.set(candidates, backups.length);
    this.backups = candidates.length === 0 ? 0 : backups.length;
    this.count = candidates.length === 0 ? backups.length : candidates.length;
    this.list = this.all.subarray(this.backups);
  }

  /** Collects the eligible slots in `#read`, backups in `#backupsRead`; returns how many they are, and what else matters. */
  #readEligible(servers: ServerTable, panic: boolean): ReadFleet {
    let eligible = 0;
    let backups = 0;
    let present = 0;
    let ejected = 0;
    let limited = false;
    this.#absentRead.clear();
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      const id = servers.id[slot];
      if (id === 0 || servers.pool[slot] !== this.#pool) continue;
      const state = servers.state[slot];
      if (!isWithdrawn(state)) present++;
      if (state === ServerState.EJECTED) ejected++;
      if (id !== this.#knownIds[slot]) continue;
      if (state === ServerState.STANDBY) this.#backupsRead[backups++] = slot;
      else if (isEligible(state, panic)) this.#read[eligible++] = slot;
      else {
        this.#absentRead.add(id, absenceOf(state));
        continue;
      }
      if (servers.hardLimit[slot] > 0) limited = true;
    }
    return { eligible, backups, present, ejected, panic, limited };
  }
}

/** Why a server in this state may not be asked. */
function absenceOf(state: number): Ineligible {
  if (state === ServerState.EJECTED) return Ineligible.EJECTED;
  if (state === ServerState.MAINTENANCE) return Ineligible.MAINTENANCE;
  return state === ServerState.DRAINING ? Ineligible.DRAINING : Ineligible.DOWN;
}
