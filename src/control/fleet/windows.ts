/** What one server did lately, for judging it (`OutcomeWindows`) and for showing it (percentiles). */
import { OutcomeWindows } from "../../health/outcome-windows.ts";
import { bucketCount, quantileMs } from "../../shared/latency-buckets.ts";
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";

/** Percentiles of response time, milliseconds. */
export interface ResponsePercentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

const LATENCY_STEP_MS = 10_000;
const LATENCY_STEPS = 6;
/** The share of traffic is told over so many seconds. */
const SHARE_SECONDS = 10;

/** One server's outcomes and response times over moving windows. */
export class ServerWindows extends OutcomeWindows {
  readonly #slot: number;
  /** Summed histograms at the end of each of the last steps, oldest first; the first is the baseline. */
  readonly #histograms: Float64Array[];
  #histogramAtMs: number;
  /** Attempts since the server came, at the end of each of the last seconds, oldest first. */
  readonly #attempts: number[] = [0];

  /** Begins at zero now, whatever `workers` counted in this slot before. */
  constructor(slot: number, workers: readonly WorkerBlock[], nowMs: number) {
    super(slot, workers, nowMs);
    this.#slot = slot;
    this.#histograms = [this.#readHistogram(workers)];
    this.#histogramAtMs = nowMs;
  }

  /** Reads the counters; call it every tick. */
  override advance(workers: readonly WorkerBlock[], nowMs: number): void {
    const isStepDue = this.isStepDue(nowMs);
    super.advance(workers, nowMs);
    if (isStepDue) {
      this.#attempts.push(this.total().attempts);
      if (this.#attempts.length > SHARE_SECONDS) this.#attempts.shift();
    }
    if (nowMs - this.#histogramAtMs >= LATENCY_STEP_MS) {
      this.#histogramAtMs = nowMs;
      this.#histograms.push(this.#readHistogram(workers));
      if (this.#histograms.length > LATENCY_STEPS) this.#histograms.shift();
    }
  }

  /** Attempts that ended over the last ten seconds; unlike `recent`, a `restart` does not make it forget them. */
  get recentAttempts(): number {
    return this.total().attempts - this.#attempts[0];
  }

  /** Over the last 50 to 60 seconds; `null` without a response. Reads the live histograms: for displays, not for ticks. */
  percentiles(workers: readonly WorkerBlock[]): ResponsePercentiles | null {
    const counts = this.#readHistogram(workers);
    const old = this.#histograms[0];
    let any = false;
    for (let i = 0; i < bucketCount; i++) {
      counts[i] = Math.max(0, counts[i] - old[i]); // a 32-bit bucket may wrap around once in days
      any ||= counts[i] > 0;
    }
    if (!any) return null;
    const at = (q: number): number => Number(quantileMs(counts, q).toFixed(3));
    return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
  }

  #readHistogram(workers: readonly WorkerBlock[]): Float64Array {
    const sum = new Float64Array(bucketCount);
    for (const { latencyHistogram } of workers) {
      const from = this.#slot * bucketCount;
      for (let i = 0; i < bucketCount; i++) sum[i] += latencyHistogram[from + i];
    }
    return sum;
  }
}
