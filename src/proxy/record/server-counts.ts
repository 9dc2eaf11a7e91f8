/**
 * What a server did, counted in this worker's shared block: the supervisor judges it by that and shows it, and metrics are
 * made of it.
 */
import { bucketCount, bucketOf } from "../../shared/latency-buckets.ts";
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import {
  type AttemptOutcome,
  type EndConsumer,
  failedSinceHead,
  type HeadConsumer,
  isServerError,
  Verdict,
} from "../outcome.ts";

export class ServerCounts implements HeadConsumer, EndConsumer {
  readonly #block: WorkerBlock;

  constructor(block: WorkerBlock) {
    this.#block = block;
  }

  onHead({ slot, status, latencyMs }: AttemptOutcome): void {
    const block = this.#block;
    block.responses[slot]++;
    if (isServerError(status)) block.failures[slot]++;
    block.latencySumMs[slot] += latencyMs;
    block.latencyHistogram[slot * bucketCount + bucketOf(latencyMs)]++;
  }

  onEnd(outcome: AttemptOutcome): void {
    if (!failedSinceHead(outcome)) return;
    const { slot, verdict } = outcome;
    this.#block.failures[slot]++;
    if (verdict === Verdict.UNANSWERED) this.#block.unanswered[slot]++;
  }
}
