/** Takes down how the picker's choices came about, for explanations and spans: only where somebody wants to know. */
import { Choice, Scale } from "../../balancing/choice.ts";
import type { FailingServers } from "../../balancing/failing-servers.ts";
import type { Strategy } from "../../balancing/strategy.ts";
import { Ineligible } from "../../shared/memory/layout/explain.ts";
import type { Candidates } from "./candidates.ts";
import type { ChoiceRecord } from "./choice-record.ts";
import { Rank } from "./rank.ts";
import type { Room } from "./room.ts";

/** Where choices are taken down; what is in it changes while the worker runs. */
export interface ChoiceNotebook {
  /** `null` = nobody wants to know. */
  record: ChoiceRecord | null;
}

/** What a strategy was told of the request. */
export interface ChosenRequest {
  readonly key: number;
  readonly requestClass: number;
}

/** What was chosen from, when not all could be. */
export interface Narrowed {
  /** Slots of a failing server that is tried, or -1. */
  readonly trial: number;
  /** `Rank` of those that were chosen from. */
  readonly rank: number;
  readonly excluded: readonly number[];
  readonly again: boolean;
}

/** One pool's. */
export class ChoiceWriter {
  readonly #notebook: ChoiceNotebook;
  readonly #candidates: Candidates;
  readonly #failing: FailingServers;
  readonly #room: Room;
  readonly #ids: Int32Array;

  /** @param ids of the servers, by slot. */
  constructor(notebook: ChoiceNotebook, candidates: Candidates, failing: FailingServers, room: Room, ids: Int32Array) {
    this.#notebook = notebook;
    this.#candidates = candidates;
    this.#failing = failing;
    this.#room = room;
    this.#ids = ids;
  }

  /** How the last choice came about; `null` = nobody wanted to know. */
  get record(): ChoiceRecord | null {
    return this.#notebook.record;
  }

  /** The client sticks to `slot`. */
  sticky(slot: number): void {
    const { record } = this.#notebook;
    if (record === null) return;
    record.begin(slot, 0, Rank.RESPONDS);
    record.made(Choice.STICKY, Scale.NONE);
    record.ineligible.copy(this.#candidates.absent);
  }

  /** `slot` was chosen of `chosenFrom[0 … count)`; its place is not taken yet. */
  choice(
    strategy: Strategy,
    chosenFrom: Int32Array,
    count: number,
    request: ChosenRequest,
    nowMs: number,
    slot: number,
    rank: number = Rank.RESPONDS,
  ): void {
    const { record } = this.#notebook;
    if (record === null) return;
    record.begin(slot, count, rank);
    strategy.explain?.(chosenFrom, count, request.key, nowMs, slot, record, request.requestClass);
    record.end(chosenFrom, count);
    if (count === 1) record.choice = Choice.ONLY_ONE;
    const { absent, all, backups, list } = this.#candidates;
    record.ineligible.copy(absent);
    if (rank >= Rank.BACKUP || chosenFrom !== list) return;
    for (let i = 0; i < backups; i++) record.ineligible.add(this.#ids[all[i]], Ineligible.STANDBY);
  }

  /** As `choice`, of some: why the others are not among them is asked here. */
  narrowed(
    strategy: Strategy,
    chosenFrom: Int32Array,
    count: number,
    request: ChosenRequest,
    nowMs: number,
    slot: number,
    how: Narrowed,
  ): void {
    const { record } = this.#notebook;
    if (record === null) return;
    const isTrial = how.trial >= 0 && slot === how.trial && count === 1;
    this.choice(strategy, chosenFrom, count, request, nowMs, slot, isTrial ? Rank.PASSED_OVER : how.rank);
    if (isTrial) {
      record.choice = Choice.TRIAL;
      return;
    }
    const { all, backups, list, total } = this.#candidates;
    const candidates = total - backups;
    for (let i = 0; i < total; i++) {
      const isBackup = i >= candidates;
      const other = isBackup ? all[i - candidates] : list[i];
      const why = this.#whyNot(other, chosenFrom, count, isBackup, how);
      if (why !== 0) record.ineligible.add(this.#ids[other], why);
    }
  }

  /** Why a server is not among `chosenFrom[0 … count)`; 0 = it is. */
  #whyNot(slot: number, chosenFrom: Int32Array, count: number, isBackup: boolean, how: Narrowed): Ineligible | 0 {
    const { excluded, again, rank } = how;
    for (let i = 0; i < count; i++) if (chosenFrom[i] === slot) return 0;
    if (excluded.includes(slot)) return Ineligible.TRIED;
    if (this.#failing.isPassedOver(slot)) return Ineligible.PASSED_OVER;
    if (isBackup) return Ineligible.STANDBY;
    if (again && this.#candidates.rank(slot, excluded, again) > rank) return Ineligible.LESS_TRUSTED;
    return this.#room.hasHardRoom(slot) ? Ineligible.AT_LIMIT : Ineligible.FULL;
  }
}
