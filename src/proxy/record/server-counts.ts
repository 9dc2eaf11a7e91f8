/**
 * What a server did, counted in this worker's shared block: the supervisor judges it by that and shows it, and metrics are
 * made of it.
 */
import { ATTEMPT_CAUSES, attemptCause, OTHER_CAUSE, SERVER_ERROR_CAUSE } from "../../shared/attempt-causes.ts";
import { bucketCount, bucketOf } from "../../shared/latency-buckets.ts";
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { type AttemptOutcome, type EndConsumer, failedSinceHead, type HeadConsumer, Verdict } from "../outcome.ts";

export class ServerCounts implements HeadConsumer, EndConsumer {
  readonly #block: WorkerBlock;

  constructor(block: WorkerBlock) {
    this.#block = block;
  }

  onHead({ slot, headFailed, latencyMs }: AttemptOutcome): void {
    const block = this.#block;
    block.responses[slot]++;
    if (headFailed) this.#countFailure(slot, SERVER_ERROR_CAUSE);
    block.latencySumMs[slot] += latencyMs;
    block.latencyHistogram[slot * bucketCount + bucketOf(latencyMs)]++;
  }

  onEnd(outcome: AttemptOutcome): void {
    if (!failedSinceHead(outcome)) return;
    const { slot, verdict, failure } = outcome;
    const cause = verdict === Verdict.ERROR ? SERVER_ERROR_CAUSE : OTHER_CAUSE;
    this.#countFailure(slot, failure === null || verdict === Verdict.ERROR ? cause : attemptCause(failure.code));
    if (verdict === Verdict.UNANSWERED) this.#block.unanswered[slot]++;
  }

  #countFailure(slot: number, cause: number): void {
    this.#block.failures[slot]++;
    this.#block.failureCauses[slot * ATTEMPT_CAUSES.length + cause]++;
  }
}
