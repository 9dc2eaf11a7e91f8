/** Tells the strategy what it learns from: of a latency as soon as there is one, of a failure as soon as it shows. */
import type { Strategy } from "../../balancing/strategy.ts";
import { type AttemptOutcome, type EndConsumer, failedSinceHead, type HeadConsumer } from "../outcome.ts";

/** A strategy that learns. */
export type LearningStrategy = Required<Pick<Strategy, "onOutcome">>;

/** Does this strategy learn? */
export function learns(strategy: Strategy): strategy is Strategy & LearningStrategy {
  return strategy.onOutcome !== undefined;
}

export class StrategyFeed implements HeadConsumer, EndConsumer {
  readonly #strategy: LearningStrategy;

  constructor(strategy: LearningStrategy) {
    this.#strategy = strategy;
  }

  onHead(outcome: AttemptOutcome, nowMs: number): void {
    this.#tell(outcome, outcome.headFailed, nowMs);
  }

  onEnd(outcome: AttemptOutcome, nowMs: number): void {
    if (failedSinceHead(outcome)) this.#tell(outcome, true, nowMs);
  }

  #tell({ slot, dispatchedMs, inFlightAtDispatch }: AttemptOutcome, failed: boolean, nowMs: number): void {
    this.#strategy.onOutcome(slot, nowMs - dispatchedMs, failed, nowMs, inFlightAtDispatch);
  }
}
