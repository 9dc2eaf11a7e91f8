/**
 * Slow start: a server that is new or recovering gets a growing share of traffic, so that cold caches, pools and
 * just-in-time compilers are not hit by a full share at once, and a recovery that is not one harms few requests.
 */
import { ServerState } from "../shared/memory/layout/shared-memory.ts";
import type { OutcomeWindows } from "./outcome-windows.ts";

/** Share of its weight that a server begins with: enough traffic to judge it by, little enough to lose. */
export const SLOW_START_FLOOR = 0.1;

/** Responses of the last two seconds below which a mean says nothing. */
const ENOUGH_RESPONSES = 10;
/** How fast the ramp goes on while the server answers as fast as the others: what it waits for has come. */
const PROVEN_PACE = 4;
/** How fast while it is slower than the others by more than `SLOW_FACTOR`: it is still cold, and more would choke it. */
const SLOW_PACE = 0.5;
const SLOW_FACTOR = 2;
/** Steps of the ramp: finer ones would publish a new table for no visible change. */
const RAMP_STEPS = 100;

export class SlowStart {
  #beganMs = Number.NEGATIVE_INFINITY;
  /** Up to here the pace has been taken into account. */
  #pacedMs = Number.NEGATIVE_INFINITY;

  /** Starts the ramp at `nowMs` (monotonic). */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#pacedMs = nowMs;
  }

  /** Since the last call, or the beginning, the ramp has gone on `factor` times as fast as by itself. */
  pace(nowMs: number, factor: number): void {
    this.#beganMs -= (factor - 1) * (nowMs - this.#pacedMs);
    this.#pacedMs = nowMs;
  }

  active(nowMs: number, durationMs: number): boolean {
    return nowMs - this.#beganMs < durationMs;
  }

  /** Factor to multiply the weight by: `SLOW_START_FLOOR` … 1, linear over `durationMs`; 1 when that is 0. */
  factor(nowMs: number, durationMs: number): number {
    const elapsed = nowMs - this.#beganMs;
    if (!(elapsed < durationMs)) return 1;
    return SLOW_START_FLOOR + ((1 - SLOW_START_FLOOR) * Math.max(0, elapsed)) / durationMs;
  }

  /** As `factor`, in steps, as it is published. */
  step(nowMs: number, durationMs: number): number {
    return Math.round(this.factor(nowMs, durationMs) * RAMP_STEPS) / RAMP_STEPS;
  }
}

/** A server as its ramp sees it. */
export interface RampingServer {
  readonly state: ServerState;
  readonly slowStart: SlowStart;
  readonly windows: OutcomeWindows;
}

/**
 * One turn: ramps go on faster or slower by what their servers answer, compared with the median of those that have their
 * full share. A server with fewer requests than the others should not be slower than they are. Without enough responses to
 * tell, only time counts.
 */
export function paceRamps(servers: readonly RampingServer[], durationMs: number, nowMs: number): void {
  if (!servers.some(({ slowStart }) => slowStart.active(nowMs, durationMs))) return;
  const ramping = servers.filter(({ slowStart }) => slowStart.active(nowMs, durationMs));
  const means: number[] = [];
  for (const { state, slowStart, windows } of servers) {
    if (state !== ServerState.UP || slowStart.active(nowMs, durationMs)) continue;
    const { attempts, meanLatencyMs } = windows.lately();
    if (attempts >= ENOUGH_RESPONSES && Number.isFinite(meanLatencyMs)) means.push(meanLatencyMs);
  }
  means.sort((a, b) => a - b);
  const median = means.length === 0 ? Number.NaN : means[Math.floor((means.length - 1) / 2)];
  for (const { slowStart, windows } of ramping) {
    const { attempts, failures, meanLatencyMs } = windows.lately();
    let pace = 1;
    // Comparisons with NaN are false: what is unknown changes nothing.
    if (attempts >= ENOUGH_RESPONSES) {
      if (failures === 0 && meanLatencyMs <= median) pace = PROVEN_PACE;
      else if (meanLatencyMs > SLOW_FACTOR * median) pace = SLOW_PACE;
    }
    slowStart.pace(nowMs, pace);
  }
}
