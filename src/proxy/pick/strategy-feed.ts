/** Tells the strategy what it learns from: of a latency as soon as there is one, of a failure as soon as it shows. */
import type { Standstills } from "../../balancing/standstills.ts";
import type { Strategy } from "../../balancing/strategy.ts";
import { WORK_UNIT } from "../../shared/memory/layout/classes.ts";
import { type AttemptOutcome, type EndConsumer, failedSinceHead, type HeadConsumer } from "../outcome.ts";

/** A strategy that learns. */
export type LearningStrategy = Required<Pick<Strategy, "onOutcome">>;

/** Does this strategy learn? */
export function learns(strategy: Strategy): strategy is Strategy & LearningStrategy {
  return strategy.onOutcome !== undefined;
}

export class StrategyFeed implements HeadConsumer, EndConsumer {
  readonly #strategy: LearningStrategy;
  readonly #standstills: Standstills;

  /** @param standstills of this worker, on its clock. */
  constructor(strategy: LearningStrategy, standstills: Standstills) {
    this.#strategy = strategy;
    this.#standstills = standstills;
  }

  onHead(outcome: AttemptOutcome, nowMs: number): void {
    this.#tell(outcome, outcome.headFailed, nowMs);
  }

  onEnd(outcome: AttemptOutcome, nowMs: number): void {
    if (failedSinceHead(outcome)) this.#tell(outcome, true, nowMs);
  }

  #tell(outcome: AttemptOutcome, failed: boolean, nowMs: number): void {
    const { slot, dispatchedMs, inFlightAtDispatch, work, othersWork } = outcome;
    const latencyMs = nowMs - dispatchedMs - this.#standstills.lostSince(dispatchedMs);
    const ownWork = work === 0 ? 1 : work / WORK_UNIT;
    this.#strategy.onOutcome(slot, latencyMs, failed, nowMs, inFlightAtDispatch, ownWork, othersWork);
  }
}
