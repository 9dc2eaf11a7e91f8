/** Judges the fleet's servers by each other: who is ejected, and who comes back. */
import { ejectionAllowance } from "../balancing/failing-servers.ts";
import { isWithdrawn, ServerState } from "../shared/memory/layout/shared-memory.ts";
import type { OutcomeWindows } from "./outcome-windows.ts";
import type { EjectionVerdict, OutlierEjection, OutlierOptions } from "./outlier-ejection.ts";

/** Servers with enough responses below which a median says nothing. */
const MIN_SERVERS_FOR_MEDIAN = 3;

/** A server as its judge sees it. */
export interface JudgedServer {
  readonly state: ServerState;
  readonly outlier: OutlierEjection;
  readonly windows: OutcomeWindows;
  /** Failures since the last success. */
  readonly consecutiveFailures: number;
}

/** What the judge decided. */
export interface EjectionEvents<S extends JudgedServer> {
  onEjected(server: S, verdict: EjectionVerdict, durationMs: number): void;
  /** Its ejection is over: it comes back on probation. */
  onReturned(server: S): void;
}

/**
 * Does a server fail so many requests in a row that the next turn should not wait for its time? Cheap: a strategy that
 * counts requests in flight sends to a server that fails at once nearly all there are.
 */
export function isAlarming(server: JudgedServer, options: OutlierOptions): boolean {
  const { enabled, consecutiveFailures } = options;
  return (
    enabled &&
    consecutiveFailures > 0 &&
    server.consecutiveFailures >= consecutiveFailures &&
    server.state === ServerState.UP
  );
}

/** One turn. `servers` are those of the configuration; what drains or is in maintenance is left alone. */
export function judgeFleet<S extends JudgedServer>(
  servers: readonly S[],
  options: OutlierOptions,
  nowMs: number,
  events: EjectionEvents<S>,
): void {
  let total = 0;
  let ejected = 0;
  let up = 0;
  const present: S[] = []; // those of whom there is anything to say
  for (const server of servers) {
    const { state } = server;
    if (isWithdrawn(state)) continue;
    total++;
    // By this instance, or by a majority of the cluster.
    if (server.outlier.ejected || state === ServerState.EJECTED) ejected++;
    if (state === ServerState.UP) up++;
    if (!isUneventful(server)) present.push(server);
  }
  const allowance = ejectionAllowance(total, options.maxEjectedPercent);
  const fleetMedianLatencyMs = options.latencyFactor > 0 ? medianLatency(present, options.minimumVolume) : Number.NaN;

  for (const server of present) {
    const since = server.windows.sinceRestart();
    if (server.state === ServerState.UP) {
      const recent = server.windows.recent();
      const verdict = server.outlier.verdict(
        {
          ...recent,
          consecutiveFailures: server.consecutiveFailures,
          fleetMedianLatencyMs,
          probationAttempts: since.attempts,
          probationFailures: since.failures,
        },
        options,
      );
      // The last server that is up stays: a bad response is better than none.
      if (verdict !== undefined && ejected < allowance && up > 1) {
        ejected++;
        up--;
        events.onEjected(server, verdict, server.outlier.eject(nowMs, options));
      }
    }
    if (server.outlier.advance(nowMs, since.attempts, options)) events.onReturned(server);
  }
}

/** Nothing has happened that could eject it or bring it back. In a large fleet that is most of them. */
function isUneventful({ windows, outlier, consecutiveFailures }: JudgedServer): boolean {
  return windows.quiet && outlier.settled && consecutiveFailures === 0;
}

function medianLatency(servers: readonly JudgedServer[], minimumVolume: number): number {
  const means = servers
    .map((server) => server.windows.recent())
    .filter((recent) => recent.attempts >= minimumVolume && Number.isFinite(recent.meanLatencyMs))
    .map((recent) => recent.meanLatencyMs)
    .sort((a, b) => a - b);
  if (means.length < MIN_SERVERS_FOR_MEDIAN) return Number.NaN;
  return means[Math.floor((means.length - 1) / 2)];
}
