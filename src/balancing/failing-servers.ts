/**
 * Servers whose requests fail one after the other, as whoever places requests sees it: it passes them over at once, without
 * waiting for the control loop, which ejects them a moment later or has its reasons not to. The proxy's picker and the
 * simulator ask here.
 *
 * - A server that failed so many requests in a row as would eject it is passed over as if it were ejected already, within
 *   the same limit (`OUTLIER_MAX_EJECTED_PERCENT`).
 * - One that gave no response at all so often comes behind those that answer, however many there are of its kind, and also in
 *   panic: a verdict may be wrong, and the rest may drown, but a closed door takes no load off anybody.
 * - So does, in panic, one whose checks fail as well as that many requests in a row: what two witnesses say is no error.
 * - Every server that is passed over gets one request from time to time, so that nobody is left out for ever because the
 *   control loop hangs or checks ask for a page that is not there.
 * - When all are failing, all are asked.
 */

import { ServerState } from "../shared/memory/layout/shared-memory.ts";

/** Failures in a row that count in panic, where ejection is off or does not go by them. */
const PANIC_FAILURES = 5;

/** The settings that matter here. */
export interface FailingOptions {
  /** Failures in a row that eject a server; 0 = none do, and servers are only passed over in panic. */
  readonly consecutiveFailures: number;
  /** Most of the fleet that may be ejected at once, percent. */
  readonly maxEjectedPercent: number;
  /** A server that is passed over is tried again after this, as it would be after an ejection. */
  readonly baseEjectionMs: number;
}

/**
 * Failures in a row, by slot, which all who place requests at these servers share. Writers: they, through `Atomics`.
 *
 * A response that is no error ends all streaks when it is complete, or when its client left in the middle: of servers whose
 * responses only end with their clients nothing better can be known. Its head alone, which may be hours earlier, shows that the
 * server answers again and answers well, and ends those of refusals, silence and errors; that responses do not break off
 * it cannot show.
 */
export interface FailureColumns {
  /** A `ServerState`. Writer: the control loop. */
  readonly state: Int32Array;
  /** Failures since the last success. */
  readonly consecutiveFailures: Int32Array;
  /** Of these, failures without a response since the last response. */
  readonly consecutiveUnanswered: Int32Array;
  /** Of these, responses that broke off since the last complete one. */
  readonly consecutiveBroken: Int32Array;
}

/** How many servers may be ejected at once, of `total` that do not drain. */
export function ejectionAllowance(total: number, maxEjectedPercent: number): number {
  if (maxEjectedPercent === 0) return 0;
  if (total < 2) return 0; // the last server is never ejected: there is nowhere else to go
  return Math.min(total - 1, Math.max(1, Math.floor((total * maxEjectedPercent) / 100)));
}

/** The fleet as it was published last. */
export interface PublishedFleet {
  /** Servers that do not drain. */
  readonly present: number;
  /** Those of them that are ejected. */
  readonly ejected: number;
  readonly panic: boolean;
}

export class FailingServers {
  readonly #columns: FailureColumns;
  #options: FailingOptions;
  #fleet: PublishedFleet = { present: 0, ejected: 0, panic: false };
  /** Failures in a row, and failures without a response in a row, from which on a server is passed over. */
  #mostFailures = Number.POSITIVE_INFINITY;
  #mostUnanswered = Number.POSITIVE_INFINITY;
  /** How many more servers may be passed over as if they were ejected. */
  #allowance = 0;
  /** By slot: 1 = passed over, as of the last `look`. */
  readonly #passed: Uint8Array;
  /** By slot: when one that is passed over is tried again; 0 = it was not passed over at the last look. */
  readonly #trialMs: Float64Array;
  /** A candidate may have to be passed over: `look` before placing a request. Ordinarily this is all that is asked. */
  suspected = false;

  constructor(columns: FailureColumns, options: FailingOptions) {
    const slots = columns.consecutiveFailures.length;
    this.#columns = columns;
    this.#options = options;
    this.#passed = new Uint8Array(slots);
    this.#trialMs = new Float64Array(slots);
  }

  configure(options: FailingOptions): void {
    this.#options = options;
    this.onTable(this.#fleet);
  }

  /** A new table was published. */
  onTable(fleet: PublishedFleet): void {
    const { consecutiveFailures, maxEjectedPercent } = this.#options;
    const { present, ejected, panic } = fleet;
    const ejects = consecutiveFailures > 0 && maxEjectedPercent > 0;
    this.#fleet = fleet;
    // In panic the verdicts are not believed, and this would be one.
    this.#allowance = panic || !ejects ? 0 : Math.max(0, ejectionAllowance(present, maxEjectedPercent) - ejected);
    this.#mostFailures = ejects ? consecutiveFailures : PANIC_FAILURES;
    this.#mostUnanswered = ejects || panic ? this.#mostFailures : Number.POSITIVE_INFINITY;
    this.suspected = true; // for all that is known
  }

  /** A request failed at `slot`. @param answered it was a response that said so. */
  onFailure(slot: number, answered: boolean): void {
    const { consecutiveFailures, consecutiveUnanswered } = this.#columns;
    if (answered) Atomics.store(consecutiveUnanswered, slot, 0);
    else Atomics.add(consecutiveUnanswered, slot, 1);
    if (Atomics.add(consecutiveFailures, slot, 1) + 1 >= this.#mostFailures) this.suspected = true;
  }

  /** A response of `slot` broke off that had begun well. */
  onBroken(slot: number): void {
    Atomics.add(this.#columns.consecutiveBroken, slot, 1);
    this.onFailure(slot, true);
  }

  /** A response began at `slot` that is no error. */
  onGoodHead(slot: number): void {
    const { consecutiveFailures, consecutiveUnanswered, consecutiveBroken } = this.#columns;
    if (consecutiveFailures[slot] === 0) return; // nearly always
    Atomics.store(consecutiveUnanswered, slot, 0);
    Atomics.store(consecutiveFailures, slot, Atomics.load(consecutiveBroken, slot));
  }

  /** A request succeeded at `slot`. */
  onSuccess(slot: number): void {
    const { consecutiveFailures, consecutiveUnanswered, consecutiveBroken } = this.#columns;
    if (consecutiveFailures[slot] === 0) return; // nearly always
    Atomics.store(consecutiveFailures, slot, 0);
    Atomics.store(consecutiveUnanswered, slot, 0);
    Atomics.store(consecutiveBroken, slot, 0);
  }

  /** Looks for what others have counted, from time to time: a worker that gets no response itself hears of it so. */
  notice(candidates: Int32Array, count: number): void {
    const { consecutiveFailures } = this.#columns;
    for (let i = 0; i < count && !this.suspected; i++) {
      if (consecutiveFailures[candidates[i]] >= this.#mostFailures) this.suspected = true;
    }
  }

  /**
   * Finds out who is passed over among `candidates[0 … count)`; `isPassedOver` tells.
   * @param repeatable the request may be sent again: others are only used for a trial when none of those has come.
   * @returns one that is to be tried again now, or -1. Call `onTrial` when it is.
   */
  look(candidates: Int32Array, count: number, nowMs: number, repeatable: boolean): number {
    const { state, consecutiveFailures, consecutiveUnanswered } = this.#columns;
    const intervalMs = this.#options.baseEjectionMs;
    const patienceMs = repeatable ? 0 : intervalMs;
    let allowance = this.#allowance;
    let due = -1;
    let any = false;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const silent = consecutiveUnanswered[slot] >= this.#mostUnanswered;
      const fails = consecutiveFailures[slot] >= this.#mostFailures;
      // Only panic has those whose checks fail among the candidates.
      const passed = silent || (fails && (allowance > 0 || state[slot] === ServerState.DOWN));
      this.#passed[slot] = passed ? 1 : 0;
      if (!passed) {
        this.#trialMs[slot] = 0;
        continue;
      }
      any = true;
      allowance--;
      if (this.#trialMs[slot] === 0) this.#trialMs[slot] = nowMs + intervalMs;
      else if (nowMs >= this.#trialMs[slot] + patienceMs) due = slot;
    }
    this.suspected = any;
    return due;
  }

  /** Gives no responses, or fails everything: others are preferred. As of the last `look`; false when nobody is `suspected`. */
  isPassedOver(slot: number): boolean {
    return this.#passed[slot] === 1;
  }

  /** A request is sent to `slot` to find out whether it is well again. */
  onTrial(slot: number, nowMs: number): void {
    this.#trialMs[slot] = nowMs + this.#options.baseEjectionMs;
  }
}
