/** What a load says while it runs, and at its end. */
import { formatCount, formatElapsed, formatMs, formatShare } from "./format.ts";

/** The last second. */
export interface LoadProgress {
  readonly elapsedMs: number;
  /** Responses per second. */
  readonly perSecond: number;
  readonly failedPerSecond: number;
  /** Milliseconds, NaN without responses. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Since the beginning. */
  readonly failed: number;
}

/** What a server had of the load, as the instance tells. */
export interface ServerShare {
  readonly url: string;
  readonly requests: number;
  /** Of all servers' requests, 0 … 1; `null` when there was none. */
  readonly share: number | null;
}

/** A load in numbers; also what `--json` prints. */
export interface LoadSummary {
  readonly url: string;
  readonly seconds: number;
  readonly requests: number;
  /** A whole response below 500. */
  readonly succeeded: number;
  readonly failed: number;
  readonly per_second: number;
  /** Of bodies, as they were sent. */
  readonly bytes: number;
  /** Of those that succeeded, milliseconds; `null` without any. */
  readonly p50_ms: number | null;
  readonly p90_ms: number | null;
  readonly p99_ms: number | null;
  readonly max_ms: number | null;
  /** By how much a request was sent late at most, milliseconds: that is this process's doing, and in the latencies. */
  readonly sent_late_ms: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Why requests failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** `null` where nobody tells. */
  readonly servers: readonly ServerShare[] | null;
}

/** From here on what was sent late is worth a word, milliseconds. */
const LATE_MS = 20;

/** One line. */
export function renderProgress({ elapsedMs, perSecond, p50Ms, p99Ms, failed }: LoadProgress): string {
  const latency = `p50 ${formatMs(p50Ms)}  p99 ${formatMs(p99Ms)}`;
  return `${formatElapsed(elapsedMs)}  ${formatCount(perSecond)} a second  ${latency}  ${formatCount(failed)} failed`;
}

/** The summary as a paragraph for people. */
export function renderLoadSummary(summary: LoadSummary): string {
  const { statuses, failures, servers } = summary;
  const lines = [
    `${formatCount(summary.requests)} requests in ${summary.seconds.toFixed(1)} s to ${summary.url}: ` +
      `${formatCount(summary.succeeded)} succeeded, ${formatCount(summary.failed)} failed, ` +
      `${formatCount(summary.per_second)} a second`,
    `  latency  p50 ${formatMs(summary.p50_ms)}  p90 ${formatMs(summary.p90_ms)}  ` +
      `p99 ${formatMs(summary.p99_ms)}  max ${formatMs(summary.max_ms)}`,
  ];
  const counts = Object.entries(statuses).map(([status, count]) => `${status} ${formatCount(count)} ×`);
  if (counts.length > 0) lines.push(`  status   ${counts.join("  ")}`);
  for (const { url, share, requests } of servers ?? []) {
    lines.push(`  server   ${formatShare(share).padStart(5)}  ${formatCount(requests).padStart(9)} requests  ${url}`);
  }
  for (const [reason, count] of Object.entries(failures)) lines.push(`  failed ${formatCount(count)} ×: ${reason}`);
  if (summary.sent_late_ms >= LATE_MS) {
    const late = formatMs(summary.sent_late_ms);
    lines.push(`  This process itself sent up to ${late} late, and that is in the latencies: is the machine busy?`);
  }
  return lines.join("\n");
}
