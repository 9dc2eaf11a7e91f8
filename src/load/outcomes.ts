/** What became of the requests of a load. */
import { failureOf } from "./failure.ts";
import { RollingStats } from "./rolling-stats.ts";
import type { LoadProgress, LoadSummary, ServerShare } from "./summary.ts";

/** Kinds of failures that are told apart; their texts come from outside. */
const MOST_KINDS = 20;
const OTHER = "other";
/** Of the line of progress. */
const WINDOW_MS = 1000;

export class Outcomes {
  readonly #stats: RollingStats;
  readonly #statuses = new Map<number, number>();
  readonly #failures = new Map<string, number>();
  #maxMs = 0;
  #bytes = 0;
  #lateMs = 0;

  constructor(startMs: number) {
    this.#stats = new RollingStats(startMs, WINDOW_MS);
  }

  /** Whole responses, whatever their status. */
  get responses(): number {
    let count = 0;
    for (const each of this.#statuses.values()) count += each;
    return count;
  }

  /** One is sent, `lateMs` after it was due. */
  sent(lateMs: number): void {
    this.#lateMs = Math.max(this.#lateMs, lateMs);
  }

  /** A whole response came, `latencyMs` after its request was due. 5xx counts as failed. */
  response(status: number, bytes: number, latencyMs: number, nowMs: number): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.#bytes += bytes;
    if (status >= 500) {
      this.#failed(`status ${status}`, nowMs);
      return;
    }
    this.#stats.success(latencyMs, nowMs);
    this.#maxMs = Math.max(this.#maxMs, latencyMs);
  }

  /** No whole response came. */
  failure(error: unknown, timeoutMs: number, nowMs: number): void {
    this.#failed(failureOf(error, timeoutMs), nowMs);
  }

  /** Too many were open. */
  notSent(nowMs: number, most: number): void {
    this.#failed(`not sent: ${most} requests were open`, nowMs);
  }

  progress(nowMs: number, startMs: number): LoadProgress {
    const { perSecond, failedPerSecond, p50Ms, p99Ms } = this.#stats.window(nowMs);
    return { elapsedMs: nowMs - startMs, perSecond, failedPerSecond, p50Ms, p99Ms, failed: this.#stats.failed };
  }

  /** @param servers what each got, where the instance tells. */
  summary(url: string, seconds: number, servers: readonly ServerShare[] | null): LoadSummary {
    const { succeeded, failed } = this.#stats;
    const quantile = (q: number): number | null => (succeeded === 0 ? null : round(this.#stats.quantile(q)));
    return {
      url,
      seconds: round(seconds),
      requests: succeeded + failed,
      succeeded,
      failed,
      per_second: round((succeeded + failed) / seconds),
      bytes: this.#bytes,
      p50_ms: quantile(0.5),
      p90_ms: quantile(0.9),
      p99_ms: quantile(0.99),
      max_ms: succeeded === 0 ? null : round(this.#maxMs),
      sent_late_ms: round(this.#lateMs),
      statuses: Object.fromEntries([...this.#statuses].sort(([a], [b]) => a - b)),
      failures: Object.fromEntries([...this.#failures].sort(([, a], [, b]) => b - a)),
      servers,
    };
  }

  #failed(reason: string, nowMs: number): void {
    const isKnown = this.#failures.has(reason) || this.#failures.size < MOST_KINDS;
    const kind = isKnown ? reason : OTHER;
    this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1);
    this.#stats.failure(nowMs);
  }
}

/** Three digits behind the point say enough of milliseconds and seconds. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
