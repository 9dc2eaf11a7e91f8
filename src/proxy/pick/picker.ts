/**
 * Which servers may take a request now, asked in one place: health, drain, ejection, panic, capacity, learned limits, "not the
 * one that just failed" and "rather one that answers". The strategy only chooses among what is left.
 */
import type { FailingServers } from "../../balancing/failing-servers.ts";
import type { Strategy } from "../../balancing/strategy.ts";
import { MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { Candidates } from "./candidates.ts";
import type { ChoiceRecord } from "./choice-record.ts";
import { type ChoiceNotebook, ChoiceWriter } from "./choice-writer.ts";
import type { DecisionWriter } from "./decision-log.ts";
import { Rank } from "./rank.ts";
import { Heed, Room } from "./room.ts";
import { WorkInFlight } from "./work-in-flight.ts";

/** No server may take requests at all. */
export const NO_SERVER = -1;
/** There are servers, but all are at their hard limit. */
export const ALL_FULL = -2;
/** A server has room by its hard limit, but none has by what was learned: to be held. */
export const ALL_AT_LIMIT = -3;
/** The server that the client sticks to is at its learned limit: to be held, wherever there is room. */
export const OWN_AT_LIMIT = -4;

/** It is to be held: some server has room by its hard limit. */
export function isAtLimit(slot: number): boolean {
  return slot === ALL_AT_LIMIT || slot === OWN_AT_LIMIT;
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
  /** The class that it is of; 0 = the rest, or none are told apart. */
  readonly requestClass: number;
  /** It may be sent again to another server once one has had it. */
  readonly idempotent: boolean;
  readonly requestIdBuffer: Buffer;
  readonly requestIdStart: number;
  readonly requestIdEnd: number;
}

/** What a picker is made from. */
export interface PickerParts {
  readonly memory: SharedMemory;
  readonly own: WorkerBlock;
  /** Row of the pool whose servers these are. */
  readonly pool: number;
  readonly failing: FailingServers;
  readonly strategy: Strategy;
  /** What the strategy notes its choices in; `null` for those that do not. */
  readonly decisions: DecisionWriter | null;
  /** Which of `STRATEGIES` it is. Default: the first. */
  readonly strategyIndex?: number;
  /** Default: one that counts nothing. */
  readonly work?: WorkInFlight;
  /** Default: nobody wants to know how choices came about. */
  readonly notebook?: ChoiceNotebook;
  /** What, added to the monotonic clock, gives the boot clock. Default: 0. */
  readonly bootOffsetMs?: () => number;
}

/** Finds a server of one pool with room and keeps the count of requests in flight. */
export class Picker {
  readonly #memory: SharedMemory;
  readonly #own: WorkerBlock;
  #strategy: Strategy;
  #decisions: DecisionWriter | null;
  #strategyIndex: number;
  readonly #candidates: Candidates;
  readonly #failing: FailingServers;
  readonly #writer: ChoiceWriter;
  /** Who has room. */
  readonly room: Room;
  /** What requests in flight are expected to cost. */
  readonly work: WorkInFlight;
  readonly #filtered = new Int32Array(MAX_SERVERS);
  /** Those with room by what was learned. */
  readonly #roomy = new Int32Array(MAX_SERVERS);
  #inFlightAtDispatch = 0;
  #choices = 0;
  /** There was a choice, or at least a note of it, behind the slot that was given last. */
  #noted = false;
  /** `Rank` of those that were collected last. */
  #bestRank = 0;

  constructor(parts: PickerParts) {
    const { memory, own, pool, failing } = parts;
    this.#memory = memory;
    this.#own = own;
    this.#failing = failing;
    this.#strategy = parts.strategy;
    this.#decisions = parts.decisions;
    this.#strategyIndex = parts.strategyIndex ?? 0;
    this.work = parts.work ?? new WorkInFlight(memory, own);
    this.#candidates = new Candidates(memory, own, pool, failing);
    this.room = new Room(memory, memory.learned[pool], parts.bootOffsetMs ?? (() => 0));
    const notebook = parts.notebook ?? { record: null };
    this.#writer = new ChoiceWriter(notebook, this.#candidates, failing, this.room, memory.servers.id);
  }

  get usesKey(): boolean {
    return this.#strategy.usesKey === true;
  }

  /** @param index which of `STRATEGIES` it is. */
  setStrategy(strategy: Strategy, decisions: DecisionWriter | null, index = 0): void {
    this.#strategyIndex = index;
    this.#strategy = strategy;
    this.#decisions = decisions;
    this.#candidates.forget();
  }

  /** Tells which server each slot means to this worker. */
  setKnownIds(ids: Iterable<readonly [slot: number, id: number]>): void {
    this.#candidates.setKnownIds(ids);
  }

  /**
   * Chooses a server and takes one of its in-flight places. Give the place back with `release`.
   * @param excluded slots that failed this request, or have it: others are preferred.
   * @param again the request has failed: one that is known to answer comes first.
   * @param heed what is made of learned limits.
   * @returns a slot, `NO_SERVER`, `ALL_FULL`, `ALL_AT_LIMIT` or `OWN_AT_LIMIT`.
   */
  acquire(
    request: PickedRequest,
    nowMs: number,
    excluded: readonly number[],
    again: boolean = excluded.length > 0,
    heed: Heed = Heed.ANY,
  ): number {
    const candidates = this.#candidates;
    if (candidates.outdated) this.#refresh();
    if (candidates.count === 0) return NO_SERVER;
    const { key, sticky, requestClass } = request;
    this.#decisions?.setRequest(request.requestIdBuffer, request.requestIdStart, request.requestIdEnd);
    const heeded = heed !== Heed.NONE && this.room.holds(nowMs) ? heed : Heed.NONE;
    if (sticky !== null) {
      const slot = this.#acquireSticky(request, sticky, nowMs, excluded, heeded);
      if (slot !== NO_SERVER) return slot;
    }
    if (candidates.limited || this.#failing.suspected || excluded.length > 0) {
      return this.#acquireFiltered(request, nowMs, excluded, again, heeded);
    }
    const all = candidates.count;
    const count = heeded === Heed.NONE ? all : this.#heed(heeded, candidates.list, all);
    if (count === 0) return ALL_AT_LIMIT;
    const chosenFrom = count === all ? candidates.list : this.#roomy;
    const slot = this.#strategy.pick(chosenFrom, count, key, nowMs, requestClass);
    if (this.#writer.record !== null) this.#write(chosenFrom, count, request, nowMs, slot);
    this.#choices = count;
    this.#noted = true;
    this.#decisions?.placed(!again);
    this.#take(slot, requestClass);
    return slot;
  }

  /** Has a server room that may take requests, by all limits? */
  hasRoom(nowMs: number): boolean {
    const candidates = this.#candidates;
    if (candidates.outdated) this.#refresh();
    const holds = this.room.holds(nowMs);
    for (let i = 0; i < candidates.count; i++) {
      const slot = candidates.list[i];
      if (this.room.hasHardRoom(slot) && (!holds || this.room.hasLearnedRoom(slot))) return true;
    }
    return false;
  }

  /** How many of `candidates[0 … count)` may be chosen; 0 = it is to be held. If not all, they are in `#roomy`. */
  #heed(heed: Heed, candidates: Int32Array, count: number): number {
    if (heed === Heed.EACH) return this.room.withLearnedRoom(candidates, count, this.#roomy);
    return this.room.hasAnyLearned(candidates, count) ? count : 0;
  }

  /** To be called from time to time: see `FailingServers.notice`. */
  noticeFailing(): void {
    this.#failing.notice(this.#candidates.all, this.#candidates.total);
  }

  /** Does `slot` fail all requests? It is only given while nobody else has room, or for a trial. */
  isPassedOver(slot: number): boolean {
    return this.#failing.suspected && this.#failing.isPassedOver(slot);
  }

  /** Is there a server that has not been tried and is not known to fail? */
  hasUntried(excluded: readonly number[]): boolean {
    const { all, total } = this.#candidates;
    for (let i = 0; i < total; i++) {
      if (this.#candidates.rank(all[i], excluded, true) <= Rank.UNKNOWN) return true;
    }
    return false;
  }

  /**
   * May `server` take the next request, room aside? A client that sticks to it and was served elsewhere meanwhile comes back.
   * @param excluded slots that failed its request.
   */
  isUsable({ slot, id }: StickyServer, excluded: readonly number[]): boolean {
    if (!this.#candidates.isKnown(slot, id) || excluded.includes(slot) || this.isPassedOver(slot)) return false;
    return this.#candidates.includes(slot);
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
    return this.#writer.record;
  }

  /** Which of `STRATEGIES` chooses. */
  get strategy(): number {
    return this.#strategyIndex;
  }

  /** Servers of the pool that are ejected. */
  get ejected(): number {
    return this.#candidates.ejected;
  }

  /** `ServerState` of the server in a slot. */
  stateOf(slot: number): number {
    return this.#memory.servers.state[slot];
  }

  /** @param work what `work.taken` was when the place was taken. */
  release(slot: number, work: number): void {
    this.work.give(slot, work);
    Atomics.sub(this.#memory.servers.inFlight, slot, 1);
    this.#own.ownInFlight[slot]--;
  }

  /** A request that has a place at the server in `slot` is in transfer: see `ServerTable.transferring`. */
  beginTransfer(slot: number): void {
    this.#own.ownTransferring[slot]++;
    Atomics.add(this.#memory.servers.transferring, slot, 1);
  }

  /** It is no more: the server has all of it, or its place is about to be given back. */
  endTransfer(slot: number): void {
    Atomics.sub(this.#memory.servers.transferring, slot, 1);
    this.#own.ownTransferring[slot]--;
  }

  /** Of the requests in flight at the server in `slot`, those in transfer. */
  transferringAt(slot: number): number {
    return this.#memory.servers.transferring[slot];
  }

  #take(slot: number, requestClass: number): number {
    this.work.take(slot, requestClass);
    this.#own.ownInFlight[slot]++;
    this.#inFlightAtDispatch = Atomics.add(this.#memory.servers.inFlight, slot, 1);
    return this.#inFlightAtDispatch;
  }

  /** As `#take`, unless it is full by its hard limit: another worker may have taken the last place since it was looked at. */
  #tryTake(slot: number, requestClass: number): boolean {
    const before = this.#take(slot, requestClass);
    const { servers, peers } = this.#memory;
    const limit = servers.hardLimit[slot];
    if (limit === 0 || before - peers.inFlight[slot] < limit) return true;
    this.release(slot, this.work.taken);
    return false;
  }

  /**
   * Takes a place at the server that the client sticks to.
   * @returns its slot; `OWN_AT_LIMIT`; or `NO_SERVER` when it may not take requests, or is full: any other will do.
   */
  #acquireSticky(
    request: PickedRequest,
    sticky: StickyServer,
    nowMs: number,
    excluded: readonly number[],
    heed: Heed,
  ): number {
    const failing = this.#failing;
    const { all, total } = this.#candidates;
    if (failing.suspected) failing.look(all, total, nowMs, request.idempotent);
    const { slot } = sticky;
    if (!this.isUsable(sticky, excluded) || !this.room.hasHardRoom(slot)) return NO_SERVER;
    if (heed !== Heed.NONE && !this.room.hasLearnedRoom(slot)) return OWN_AT_LIMIT;
    this.#writer.sticky(slot);
    this.#strategy.onPlaced?.(slot, nowMs);
    this.#noted = this.#strategy.onPlaced !== undefined;
    this.#choices = 0;
    return this.#tryTake(slot, request.requestClass) ? slot : NO_SERVER;
  }

  #acquireFiltered(
    request: PickedRequest,
    nowMs: number,
    excluded: readonly number[],
    again: boolean,
    heed: Heed,
  ): number {
    const { key, idempotent, requestClass } = request;
    const failing = this.#failing;
    const candidates = this.#candidates;
    const due = failing.suspected ? failing.look(candidates.all, candidates.total, nowMs, idempotent) : -1;
    const trial = excluded.length === 0 && !candidates.isBackup(due) ? due : -1;
    this.#noted = true;
    // Another worker may take the last place between the look and the grab: look again then.
    for (let round = 0; round < 3; round++) {
      const tries = trial >= 0 && this.room.hasHardRoom(trial);
      const n = tries ? this.#only(trial) : this.#collect(excluded, again);
      if (n === 0) return ALL_FULL;
      const count = tries || heed === Heed.NONE ? n : this.#heed(heed, this.#filtered, n);
      if (count === 0) return ALL_AT_LIMIT;
      const chosenFrom = count === n ? this.#filtered : this.#roomy;
      this.#choices = count;
      const slot = this.#strategy.pick(chosenFrom, count, key, nowMs, requestClass);
      if (this.#writer.record !== null) {
        const how = { trial, rank: this.#bestRank, excluded, again };
        this.#writer.narrowed(this.#strategy, chosenFrom, count, request, nowMs, slot, how);
      }
      if (this.#tryTake(slot, requestClass)) {
        if (slot === trial) failing.onTrial(slot, nowMs);
        this.#decisions?.placed(excluded.length === 0 && !again);
        return slot;
      }
    }
    return ALL_FULL;
  }

  /** Takes down how `slot` was chosen of a first attempt's candidates. */
  #write(chosenFrom: Int32Array, count: number, request: PickedRequest, nowMs: number, slot: number): void {
    const strategy = this.#strategy;
    if (chosenFrom === this.#candidates.list) this.#writer.choice(strategy, chosenFrom, count, request, nowMs, slot);
    else this.#writer.narrowed(strategy, chosenFrom, count, request, nowMs, slot, FIRST);
  }

  #only(trial: number): number {
    this.#filtered[0] = trial;
    return 1;
  }

  /** Collects the best candidates with room in `#filtered` and returns how many they are; 0 = wait for room. */
  #collect(excluded: readonly number[], again: boolean): number {
    let n = 0;
    let best: number = Rank.NONE;
    let bestFull: number = Rank.NONE;
    const { all, list, count, total } = this.#candidates;
    // A hedge is no reason to ask a backup: its server has not failed.
    const asked = excluded.length === 0 || again ? total : count;
    for (let i = 0; i < asked; i++) {
      const isBackup = i >= count;
      // That candidates are full is no reason either.
      if (isBackup && Math.min(best, bestFull) < Rank.BACKUP) break;
      const slot = isBackup ? all[i - count] : list[i];
      const rank = Math.max(this.#candidates.rank(slot, excluded, again), isBackup ? Rank.BACKUP : 0);
      if (!this.room.hasHardRoom(slot)) bestFull = Math.min(bestFull, rank);
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

  #refresh(): void {
    const candidates = this.#candidates;
    if (candidates.refresh() && candidates.total > 0) this.#strategy.onCandidates?.(candidates.all, candidates.total);
  }
}

/** A first attempt while nobody is failing. */
const FIRST = { trial: -1, rank: Rank.RESPONDS, excluded: [], again: false } as const;
