/**
 * Which servers may take a request now, asked in one place: health, drain, ejection, panic, capacity, "not the one that
 * just failed" and "rather one that answers". The strategy only chooses among what is left.
 */
import { Choice, Scale } from "../../balancing/choice.ts";
import { isEligible } from "../../balancing/eligibility.ts";
import type { FailingServers, PublishedFleet } from "../../balancing/failing-servers.ts";
import type { Strategy } from "../../balancing/strategy.ts";
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
import type { ChoiceRecord } from "./choice-record.ts";
import type { DecisionWriter } from "./decision-log.ts";
import { IneligibleServers } from "./ineligible-servers.ts";

/** No server may take requests at all. */
export const NO_SERVER = -1;
/** There are servers, but all are at their hard limit. */
export const ALL_FULL = -2;

/** Looks at the table while it is written, where there is no view to go on with: it is written within microseconds. */
const PATIENCE = 20_000;

/** What is to be expected of a server, best first: a request goes to one of the best that there are. */
export const Rank = {
  /** It has answered this worker, and its last request did not fail. For a first attempt: whoever is not passed over. */
  RESPONDS: 0,
  /** Up, and nobody's last request failed there. */
  UNKNOWN: 1,
  /** Its last request failed, or its checks do. */
  DOUBTFUL: 2,
  /** A backup: there is none of the above. */
  BACKUP: 3,
  /** It failed this request, and has answered others since. */
  TRIED: 4,
  /** It fails all requests: see `FailingServers`. */
  PASSED_OVER: 5,
  /** It failed this request, and nobody has got a response since. */
  FAILED: 6,
  NONE: 7,
} as const;

/** Where choices are taken down; what is in it changes while the worker runs. */
export interface ChoiceNotebook {
  /** `null` = nobody wants to know. */
  record: ChoiceRecord | null;
}

/** A server that a client sticks to. */
export interface StickyServer {
  readonly slot: number;
  readonly id: number;
}

/** What the picker wants of a request. */
export interface PickedRequest {
  /** Hash of what it sticks to. */
  readonly key: number;
  /** The server that its client sticks to: preferred to what the strategy says. */
  readonly sticky: StickyServer | null;
  /** It may be sent again to another server once one has had it. */
  readonly idempotent: boolean;
  readonly requestIdBuffer: Buffer;
  readonly requestIdStart: number;
  readonly requestIdEnd: number;
}

/** What was read of the table. */
interface ReadFleet extends PublishedFleet {
  readonly eligible: number;
  readonly backups: number;
}

/** Finds a server of one pool with room and keeps the count of requests in flight. */
export class Picker {
  readonly #memory: SharedMemory;
  readonly #own: WorkerBlock;
  /** Row of the pool whose servers these are. */
  readonly #pool: number;
  #strategy: Strategy;
  /** What the strategy notes its choices in; `null` for those that do not. */
  #decisions: DecisionWriter | null;
  /** Slots that this worker knows an endpoint for: id by slot, 0 = none. */
  readonly #knownIds = new Int32Array(MAX_SERVERS);
  /** Backups that may be asked, and then the candidates. */
  readonly #watched = new Int32Array(MAX_SERVERS);
  /** How many of these are backups. */
  #backups = 0;
  /** What the strategy chooses from: the rest of `#watched`. */
  #candidates = this.#watched;
  readonly #filtered = new Int32Array(MAX_SERVERS);
  readonly #backupsRead = new Int32Array(MAX_SERVERS);
  readonly #failing: FailingServers;
  /** By slot: what this worker had counted of `responses` before its present server came. */
  readonly #responsesBefore = new Float64Array(MAX_SERVERS);
  #count = 0;
  #limited = false;
  #filteredLimited = false;
  #seenVersion = -1;
  #ejected = 0;
  #inFlightAtDispatch = 0;
  #choices = 0;
  /** There was a choice, or at least a note of it, behind the slot that was given last. */
  #noted = false;
  readonly #notebook: ChoiceNotebook;
  #strategyIndex: number;
  /** Of the servers in the table: those that may not be asked, backups left out. */
  readonly #absent = new IneligibleServers();
  readonly #absentRead = new IneligibleServers();
  /** `Rank` of those that were collected last. */
  #bestRank = 0;

  /**
   * @param pool its row.
   * @param strategyIndex which of `STRATEGIES` it is.
   */
  constructor(
    memory: SharedMemory,
    own: WorkerBlock,
    pool: number,
    failing: FailingServers,
    strategy: Strategy,
    decisions: DecisionWriter | null,
    strategyIndex = 0,
    notebook: ChoiceNotebook = { record: null },
  ) {
    this.#strategyIndex = strategyIndex;
    this.#notebook = notebook;
    this.#memory = memory;
    this.#own = own;
    this.#pool = pool;
    this.#failing = failing;
    this.#strategy = strategy;
    this.#decisions = decisions;
  }

  get usesKey(): boolean {
    return this.#strategy.usesKey === true;
  }

  /** @param index which of `STRATEGIES` it is. */
  setStrategy(strategy: Strategy, decisions: DecisionWriter | null, index = 0): void {
    this.#strategyIndex = index;
    this.#strategy = strategy;
    this.#decisions = decisions;
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
    this.#seenVersion = -1;
    // Until the table can be read again, those that stay are chosen from: the others' endpoints are gone.
    const stays = (slot: number): boolean => before[slot] !== 0 && this.#knownIds[slot] === before[slot];
    const backups = this.#watched.slice(0, this.#backups).filter(stays);
    this.#adopt(backups, this.#candidates.slice(0, this.#count).filter(stays));
  }

  /**
   * Chooses a server and takes one of its in-flight places. Give the place back with `release`.
   * @param excluded slots that failed this request, or have it: others are preferred.
   * @param again the request has failed: one that is known to answer comes first.
   * @returns a slot, `NO_SERVER` or `ALL_FULL`.
   */
  acquire(
    request: PickedRequest,
    nowMs: number,
    excluded: readonly number[],
    again: boolean = excluded.length > 0,
  ): number {
    if (this.#memory.header[Header.TABLE_VERSION] !== this.#seenVersion) this.#refresh();
    if (this.#count === 0) return NO_SERVER;
    const { key, sticky } = request;
    this.#decisions?.setRequest(request.requestIdBuffer, request.requestIdStart, request.requestIdEnd);
    if (sticky !== null && this.#acquireSticky(request, sticky, nowMs, excluded)) return sticky.slot;
    if (!this.#limited && !this.#failing.suspected && excluded.length === 0) {
      this.#choices = this.#count;
      const slot = this.#strategy.pick(this.#candidates, this.#count, key, nowMs);
      if (this.#notebook.record !== null) this.#note(this.#candidates, this.#count, key, nowMs, slot, Rank.RESPONDS);
      this.#noted = true;
      this.#decisions?.placed(!again);
      this.#take(slot);
      return slot;
    }
    return this.#acquireFiltered(request, nowMs, excluded, again);
  }

  /** To be called from time to time: see `FailingServers.notice`. */
  noticeFailing(): void {
    this.#failing.notice(this.#watched, this.#backups + this.#count);
  }

  /** Does `slot` fail all requests? It is only given while nobody else has room, or for a trial. */
  isPassedOver(slot: number): boolean {
    return this.#failing.suspected && this.#failing.isPassedOver(slot);
  }

  /** Is there a server that has not been tried and is not known to fail? */
  hasUntried(excluded: readonly number[]): boolean {
    const total = this.#backups + this.#count;
    for (let i = 0; i < total; i++) {
      if (this.#rank(this.#watched[i], excluded, true) <= Rank.UNKNOWN) return true;
    }
    return false;
  }

  /**
   * May `server` take the next request, room aside? A client that sticks to it and was served elsewhere meanwhile comes back.
   * @param excluded slots that failed its request.
   */
  isUsable({ slot, id }: StickyServer, excluded: readonly number[]): boolean {
    if (this.#knownIds[slot] !== id || excluded.includes(slot) || this.isPassedOver(slot)) return false;
    const total = this.#backups + this.#count;
    for (let i = 0; i < total; i++) if (this.#watched[i] === slot) return true;
    return false;
  }

  /** What was in flight at the server that `acquire` gave last, without the request that it was for. */
  get inFlightAtDispatch(): number {
    return this.#inFlightAtDispatch;
  }

  /** Number of the decision behind the slot that `acquire` gave last; 0 = none was noted. */
  get decision(): number {
    return this.#decisions === null || !this.#noted ? 0 : this.#decisions.last;
  }

  /** How many servers the strategy chose the last one from; 0 = there was no choice: its client sticks to it. */
  get choices(): number {
    return this.#choices;
  }

  /** What the strategy gave the server that `acquire` gave last, the lower the better; NaN = it gives none. */
  get score(): number {
    return this.decision === 0 || this.#decisions === null ? Number.NaN : this.#decisions.lastScore;
  }

  /** The last decision's `DecisionArm` + 256 × its `Rung`; -1 = none was noted. */
  get arm(): number {
    return this.decision === 0 || this.#decisions === null ? -1 : this.#decisions.lastArm;
  }

  /** How the last choice came about; `null` = nobody wanted to know. */
  get record(): ChoiceRecord | null {
    return this.#notebook.record;
  }

  /** Which of `STRATEGIES` chooses. */
  get strategy(): number {
    return this.#strategyIndex;
  }

  /** Servers of the pool that are ejected. */
  get ejected(): number {
    return this.#ejected;
  }

  /** `ServerState` of the server in a slot. */
  stateOf(slot: number): number {
    return this.#memory.servers.state[slot];
  }

  release(slot: number): void {
    Atomics.sub(this.#memory.servers.inFlight, slot, 1);
    this.#own.ownInFlight[slot]--;
  }

  #take(slot: number): number {
    this.#own.ownInFlight[slot]++;
    this.#inFlightAtDispatch = Atomics.add(this.#memory.servers.inFlight, slot, 1);
    return this.#inFlightAtDispatch;
  }

  /** Takes a place at the server that the client sticks to. @returns false when it may not take requests, or is full. */
  #acquireSticky(request: PickedRequest, sticky: StickyServer, nowMs: number, excluded: readonly number[]): boolean {
    const failing = this.#failing;
    if (failing.suspected) failing.look(this.#watched, this.#backups + this.#count, nowMs, request.idempotent);
    const { slot } = sticky;
    if (!this.isUsable(sticky, excluded) || !this.#hasRoom(slot)) return false;
    const { record } = this.#notebook;
    if (record !== null) {
      record.begin(slot, 0, Rank.RESPONDS);
      record.made(Choice.STICKY, Scale.NONE);
      record.ineligible.copy(this.#absent);
    }
    this.#strategy.onPlaced?.(slot, nowMs);
    const before = this.#take(slot);
    const limit = this.#memory.servers.hardLimit[slot];
    this.#noted = this.#strategy.onPlaced !== undefined;
    this.#choices = 0;
    if (limit === 0 || before < limit) return true;
    this.release(slot);
    return false;
  }

  #acquireFiltered(request: PickedRequest, nowMs: number, excluded: readonly number[], again: boolean): number {
    const { hardLimit } = this.#memory.servers;
    const { key, idempotent } = request;
    const failing = this.#failing;
    const due = failing.suspected ? failing.look(this.#watched, this.#backups + this.#count, nowMs, idempotent) : -1;
    const trial = excluded.length === 0 && !this.#isBackup(due) ? due : -1;
    this.#noted = true;
    // Another worker may take the last place between the look and the grab: look again then.
    for (let round = 0; round < 3; round++) {
      const n = trial >= 0 && this.#hasRoom(trial) ? this.#only(trial) : this.#collectBest(excluded, again);
      if (n === 0) return ALL_FULL;
      this.#choices = n;
      const slot = this.#strategy.pick(this.#filtered, n, key, nowMs);
      if (this.#notebook.record !== null) this.#noteFiltered(n, key, nowMs, slot, trial, excluded, again);
      const before = this.#take(slot);
      const limit = hardLimit[slot];
      if (limit === 0 || before < limit) {
        if (slot === trial) failing.onTrial(slot, nowMs);
        this.#decisions?.placed(excluded.length === 0 && !again);
        return slot;
      }
      this.release(slot);
    }
    return ALL_FULL;
  }

  /** Takes down how `slot` was chosen of `candidates[0 … count)`, before its place is taken. */
  #note(candidates: Int32Array, count: number, key: number, nowMs: number, slot: number, rank: number): void {
    const { record } = this.#notebook;
    if (record === null) return;
    record.begin(slot, count, rank);
    this.#strategy.explain?.(candidates, count, key, nowMs, slot, record);
    record.end(candidates, count);
    if (count === 1) record.choice = Choice.ONLY_ONE;
    record.ineligible.copy(this.#absent);
    const { id } = this.#memory.servers;
    if (rank >= Rank.BACKUP || candidates !== this.#candidates) return;
    for (let i = 0; i < this.#backups; i++) record.ineligible.add(id[this.#watched[i]], Ineligible.STANDBY);
  }

  /** As `#note`, of those in `#filtered`: why the others are not among them is asked here. */
  #noteFiltered(
    count: number,
    key: number,
    nowMs: number,
    slot: number,
    trial: number,
    excluded: readonly number[],
    again: boolean,
  ): void {
    const isTrial = trial >= 0 && slot === trial && count === 1;
    const rank = isTrial ? Rank.PASSED_OVER : this.#bestRank;
    this.#note(this.#filtered, count, key, nowMs, slot, rank);
    const { record } = this.#notebook;
    if (record === null) return;
    if (isTrial) {
      record.choice = Choice.TRIAL;
      return;
    }
    const { id } = this.#memory.servers;
    const candidates = this.#count;
    for (let i = 0; i < candidates + this.#backups; i++) {
      const isBackup = i >= candidates;
      const other = isBackup ? this.#watched[i - candidates] : this.#candidates[i];
      const why = this.#whyNot(other, count, isBackup, excluded, again);
      if (why !== 0) record.ineligible.add(id[other], why);
    }
  }

  /** Why a server is not among the `count` in `#filtered`; 0 = it is. */
  #whyNot(slot: number, count: number, isBackup: boolean, excluded: readonly number[], again: boolean): Ineligible | 0 {
    for (let i = 0; i < count; i++) if (this.#filtered[i] === slot) return 0;
    if (excluded.includes(slot)) return Ineligible.TRIED;
    if (this.#failing.isPassedOver(slot)) return Ineligible.PASSED_OVER;
    if (isBackup) return Ineligible.STANDBY;
    return again && this.#rank(slot, excluded, again) > this.#bestRank ? Ineligible.LESS_TRUSTED : Ineligible.FULL;
  }

  #hasRoom(slot: number): boolean {
    const { inFlight, hardLimit } = this.#memory.servers;
    return hardLimit[slot] === 0 || inFlight[slot] < hardLimit[slot];
  }

  #only(slot: number): number {
    this.#filtered[0] = slot;
    return 1;
  }

  #isBackup(slot: number): boolean {
    for (let i = 0; i < this.#backups; i++) if (this.#watched[i] === slot) return true;
    return false;
  }

  /** Collects the best candidates with room in `#filtered` and returns how many they are; 0 = wait for room. */
  #collectBest(excluded: readonly number[], again: boolean): number {
    let n = 0;
    let best: number = Rank.NONE;
    let bestFull: number = Rank.NONE;
    const candidates = this.#count;
    // A hedge is no reason to ask a backup: its server has not failed.
    const total = excluded.length === 0 || again ? candidates + this.#backups : candidates;
    for (let i = 0; i < total; i++) {
      const isBackup = i >= candidates;
      // That candidates are full is no reason either.
      if (isBackup && Math.min(best, bestFull) < Rank.BACKUP) break;
      const slot = isBackup ? this.#watched[i - candidates] : this.#candidates[i];
      const rank = Math.max(this.#rank(slot, excluded, again), isBackup ? Rank.BACKUP : 0);
      if (!this.#hasRoom(slot)) bestFull = Math.min(bestFull, rank);
      else if (rank <= best) {
        if (rank < best) n = 0;
        best = rank;
        this.#filtered[n++] = slot;
      }
    }
    this.#bestRank = best;
    // To wait for one that answers is better than to ask one that does not.
    return best >= Rank.PASSED_OVER && bestFull < Rank.PASSED_OVER ? 0 : n;
  }

  #rank(slot: number, excluded: readonly number[], again: boolean): number {
    const { state, consecutiveFailures } = this.#memory.servers;
    const fails = consecutiveFailures[slot] > 0;
    if (excluded.includes(slot)) return fails ? Rank.FAILED : Rank.TRIED;
    if (this.#failing.isPassedOver(slot)) return Rank.PASSED_OVER;
    if (!again) return Rank.RESPONDS;
    if (fails) return Rank.DOUBTFUL;
    if (this.#own.responses[slot] > this.#responsesBefore[slot]) return Rank.RESPONDS;
    return state[slot] === ServerState.UP || state[slot] === ServerState.STANDBY ? Rank.UNKNOWN : Rank.DOUBTFUL;
  }

  /** Reads the published table again; keeps the last complete view while the supervisor is writing. */
  #refresh(): void {
    const read = readServerTable(
      this.#memory,
      (servers, pools) => this.#readEligible(servers, pools.panic[this.#pool] === 1),
      this.#count === 0 ? PATIENCE : 3,
    );
    if (read === undefined) return; // the next request tries again
    const { backups, eligible, ejected } = read.value;
    this.#absent.copy(this.#absentRead);
    this.#ejected = ejected;
    this.#adopt(this.#backupsRead.subarray(0, backups), this.#filtered.subarray(0, eligible));
    this.#limited = this.#filteredLimited;
    this.#seenVersion = read.version;
    this.#failing.onTable(read.value);
    const total = this.#backups + this.#count;
    if (total > 0) this.#strategy.onCandidates?.(this.#watched, total);
  }

  /** Makes them those that are chosen from. Without candidates the backups are. */
  #adopt(backups: Int32Array, candidates: Int32Array): void {
    this.#watched.set(backups);
    this.#watched.set(candidates, backups.length);
    this.#backups = candidates.length === 0 ? 0 : backups.length;
    this.#count = candidates.length === 0 ? backups.length : candidates.length;
    this.#candidates = this.#watched.subarray(this.#backups);
  }

  /** Collects the eligible slots in `#filtered`, backups in `#backupsRead`; returns how many they are, and what else matters. */
  #readEligible(servers: ServerTable, panic: boolean): ReadFleet {
    let eligible = 0;
    let backups = 0;
    let present = 0;
    let ejected = 0;
    this.#filteredLimited = false;
    this.#absentRead.clear();
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      const id = servers.id[slot];
      if (id === 0 || servers.pool[slot] !== this.#pool) continue;
      const state = servers.state[slot];
      if (!isWithdrawn(state)) present++;
      if (state === ServerState.EJECTED) ejected++;
      if (id !== this.#knownIds[slot]) continue;
      if (state === ServerState.STANDBY) this.#backupsRead[backups++] = slot;
      else if (isEligible(state, panic)) this.#filtered[eligible++] = slot;
      else {
        this.#absentRead.add(id, absenceOf(state));
        continue;
      }
      if (servers.hardLimit[slot] > 0) this.#filteredLimited = true;
    }
    return { eligible, backups, present, ejected, panic };
  }
}

/** Why a server in this state may not be asked. */
function absenceOf(state: number): Ineligible {
  if (state === ServerState.EJECTED) return Ineligible.EJECTED;
  if (state === ServerState.MAINTENANCE) return Ineligible.MAINTENANCE;
  return state === ServerState.DRAINING ? Ineligible.DRAINING : Ineligible.DOWN;
}
