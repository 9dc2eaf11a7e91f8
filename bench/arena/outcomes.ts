/** What became of every request of one contestant, and the figures that follow. */
import { FAILURE_LATENCY_MS } from "../../src/balancing/estimators/latency-estimator.ts";
import { mean, quantile } from "../../src/simulator/statistics.ts";
import { type ClientFigures, FAILURE_KINDS, type FailureKind } from "./messages.ts";

const PENDING = 0;
const OK = 1;
/** Codes of failures follow. */
const FIRST_FAILURE = 2;

export class Outcomes {
  readonly #dueMs: Float64Array;
  readonly #latencyMs: Float64Array;
  readonly #outcome: Uint8Array;
  #left: number;

  /** @param dueMs when each request is due; latencies are counted from then, whenever it was really sent. */
  constructor(dueMs: Float64Array) {
    this.#dueMs = dueMs;
    this.#latencyMs = new Float64Array(dueMs.length);
    this.#outcome = new Uint8Array(dueMs.length);
    this.#left = dueMs.length;
  }

  /** Requests without an outcome. */
  get left(): number {
    return this.#left;
  }

  /** @param failure null = the response was right. Throws an `Error` when the request has an outcome already. */
  record(request: number, failure: FailureKind | null, nowMs: number): void {
    if (this.#outcome[request] !== PENDING) throw new Error(`request ${request} has two outcomes`);
    this.#outcome[request] = failure === null ? OK : FIRST_FAILURE + FAILURE_KINDS.indexOf(failure);
    this.#latencyMs[request] = nowMs - this.#dueMs[request];
    this.#left--;
  }

  /** A failure counts as at least `FAILURE_LATENCY_MS`. @param warmUpMs what was due before this is not measured. */
  figures(warmUpMs: number): ClientFigures {
    const latencies: number[] = [];
    const failures = { status: 0, cut: 0, timeout: 0, wrong: 0 } satisfies Record<FailureKind, number>;
    let succeeded = 0;
    for (const [request, outcome] of this.#outcome.entries()) {
      if (outcome === OK) succeeded++;
      if (this.#dueMs[request] < warmUpMs || outcome === PENDING) continue;
      const latencyMs = this.#latencyMs[request];
      if (outcome >= FIRST_FAILURE) failures[FAILURE_KINDS[outcome - FIRST_FAILURE]]++;
      latencies.push(outcome === OK ? latencyMs : Math.max(latencyMs, FAILURE_LATENCY_MS));
    }
    const sorted = Float64Array.from(latencies).sort();
    return {
      requests: sorted.length,
      meanMs: mean(sorted),
      p50Ms: quantile(sorted, 0.5),
      p95Ms: quantile(sorted, 0.95),
      p99Ms: quantile(sorted, 0.99),
      p999Ms: quantile(sorted, 0.999),
      failures,
      sent: this.#outcome.length,
      succeeded,
    };
  }
}
