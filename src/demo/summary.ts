/** What the demo says at its end. */
import { formatCount, formatMs, formatShare } from "../load/format.ts";

/** The demo in numbers; also what `--json` prints. */
export interface DemoSummary {
  readonly strategy: string;
  readonly url: string;
  readonly seconds: number;
  readonly requests: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Failures while no server was down, frozen or restarting: a fault of the balancer. */
  readonly failed_unexplained: number;
  /** Why requests failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** From the intended time of sending, milliseconds; `null` without a response. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly servers: readonly {
    readonly name: string;
    readonly url: string;
    /** Of all proxied requests, 0 … 1. */
    readonly share: number;
    readonly requests: number;
    readonly state: string;
  }[];
}

/** The summary as a paragraph for people. */
export function renderSummary(summary: DemoSummary): string {
  const { servers, failures } = summary;
  const name = Math.max(...servers.map((server) => server.name.length));
  const lines = [
    `${formatCount(summary.requests)} requests in ${summary.seconds.toFixed(0)} s over ${summary.strategy}: ` +
      `${formatCount(summary.succeeded)} succeeded, ${formatCount(summary.failed)} failed, ` +
      `p50 ${formatMs(summary.p50_ms)}, p99 ${formatMs(summary.p99_ms)}`,
    ...servers.map(
      (server) =>
        `  ${server.name.padEnd(name)}  ${formatShare(server.share).padStart(5)}  ` +
        `${formatCount(server.requests).padStart(9)} requests`,
    ),
    ...Object.entries(failures).map(([reason, count]) => `  failed ${formatCount(count)} ×: ${reason}`),
  ];
  if (summary.failed_unexplained > 0) {
    lines.push(`${formatCount(summary.failed_unexplained)} failed while every server was well: this is a fault.`);
  } else if (summary.failed > 0) {
    lines.push("Each of the failed was in the hands of a server that was killed, frozen or turned.");
  }
  return lines.join("\n");
}
