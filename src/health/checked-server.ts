/** What checks mean for a server that also serves requests: when to look, and what follows from what is seen. */
import { ServerState } from "../shared/memory/layout/shared-memory.ts";
import type { HealthState, HealthTransition } from "./health-state.ts";
import type { OutlierEjection } from "./outlier-ejection.ts";
import type { SlowStart } from "./slow-start.ts";

/** A server as its checks see it. */
export interface CheckedServer {
  readonly health: HealthState;
  readonly outlier: OutlierEjection;
  readonly slowStart: SlowStart;
  /** Failures since the last success. */
  readonly consecutiveFailures: number;
  /** What comes next is judged by itself. */
  forgetFailures(): void;
}

/**
 * Should its next check come soon? While checks contradict the verdict; while requests fail, because a check tells sooner
 * than its interval whether the server is gone; and while it is out, because the others carry its load meanwhile and a
 * restart takes a few seconds.
 */
export function isUrgent({ health, outlier, consecutiveFailures }: CheckedServer): boolean {
  return health.wavering || !health.up || outlier.ejected || consecutiveFailures > 0;
}

/**
 * Takes the outcome of a check over. A server that comes back up was restarted or replaced: it begins anew, with a slow
 * start.
 */
export function onCheck(server: CheckedServer, healthy: boolean, nowMs: number): HealthTransition {
  const { health, outlier, slowStart } = server;
  // Requests and checks agree that a server is gone: from here on its checks say when it is back, instead of the time that
  // an ejection lasts. Not if it was ejected several times lately, or else one that fails its requests and now and then a
  // check would never be out for longer than its checks take.
  const transition = health.onProbe(healthy, outlier.ejected && outlier.strikes === 1);
  if (transition === "up") {
    outlier.release(nowMs);
    server.forgetFailures();
    slowStart.begin(nowMs);
  }
  return transition;
}

/** What its checks and its requests come to; what an operator wants of it is not asked. */
export function judgedState({ health, outlier }: Pick<CheckedServer, "health" | "outlier">): ServerState {
  if (!health.up) return ServerState.DOWN;
  return outlier.ejected ? ServerState.EJECTED : ServerState.UP;
}

/**
 * Its ejection is over: what it failed is forgotten, and it gets its share little by little. One whose checks fail as well
 * stays behind those that answer: its time is over, its failures are not.
 */
export function onReturned(server: CheckedServer, nowMs: number): void {
  if (server.health.up) server.forgetFailures();
  server.slowStart.begin(nowMs);
}
