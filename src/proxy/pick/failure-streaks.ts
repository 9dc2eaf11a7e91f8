/** Counts failures in a row by server, in columns that all workers and the supervisor see: who fails too often is passed over. */
import type { FailingServers } from "../../balancing/failing-servers.ts";
import { type AttemptOutcome, type EndConsumer, failedSinceHead, type HeadConsumer, Verdict } from "../outcome.ts";

const SWITCHING_PROTOCOLS = 101;

export class FailureStreaks implements HeadConsumer, EndConsumer {
  readonly #failing: FailingServers;

  constructor(failing: FailingServers) {
    this.#failing = failing;
  }

  onHead({ slot, headFailed }: AttemptOutcome): void {
    if (headFailed) this.#failing.onFailure(slot, true);
    else this.#failing.onGoodHead(slot);
  }

  onEnd(outcome: AttemptOutcome): void {
    const { slot, status, verdict } = outcome;
    if (verdict === Verdict.GOOD) this.#failing.onSuccess(slot);
    else if (!failedSinceHead(outcome)) return;
    else if (verdict === Verdict.UNANSWERED) this.#failing.onFailure(slot, false);
    // Tunnels end as their two ends please, often by a reset: the next good head makes up for one.
    else if (status === SWITCHING_PROTOCOLS) this.#failing.onFailure(slot, true);
    else this.#failing.onBroken(slot);
  }
}
