import type { FleetView, PeerRequests } from "./strategy.ts";

/** Odds that a server stands still, before its silence says more. */
const PRIOR_ODDS = 0.05;
/** Steps of the table below for each missed response, and how many it has. */
const STEPS = 16;
const LENGTH = 12 * STEPS;

/**
 * How likely it is that a server stands still when it should have answered m times by now and has not: responses that
 * come independently of each other stay away by chance with probability e^-m, so the odds grow by e^m (Bayes). Before the
 * first response is overdue silence says nothing. Indexed by m × STEPS.
 */
const STALL_PROBABILITY = Float64Array.from({ length: LENGTH }, (_, i) => {
  if (i < STEPS) return 0;
  const odds = PRIOR_ODDS * Math.exp(i / STEPS);
  return odds / (1 + odds);
});

/**
 * By what to multiply an expected latency of `expectedMs`: 1 plus the probability that the server stands still times
 * how long it has been silent, in expected latencies. A pause is expected to last as long again as it has lasted.
 * @param waiting requests that wait for its response; with none silence says nothing.
 */
export function stallFactor(silentMs: number, waiting: number, expectedMs: number): number {
  // No response is overdue: that spares the division.
  if (silentMs * waiting < expectedMs || waiting === 0) return 1;
  const silence = silentMs / expectedMs;
  // The bound comes first: beyond 32 bits `| 0` would make any index of it.
  const missed = Math.min(silence * waiting * STEPS, LENGTH - 1) | 0;
  return 1 + silence * STALL_PROBABILITY[missed];
}

/**
 * Notices servers that have stopped answering (a garbage collection, a hang) from the silence alone, long before the
 * responses that do not come could be counted. Those who count their requests in flight together also listen together:
 * what one of them heard, all know. Else it is one balancer's view: what it sent and what it heard.
 */
export class StallWatch {
  readonly #fleet: Pick<FleetView, "id" | "inFlight">;
  /** Everything in flight waits for its response unless it is in transfer or another instance's, whoever sent it. */
  readonly together: boolean;
  /** What other instances have in flight: whether it is answered is not heard here. */
  readonly peers: PeerRequests | undefined;
  /** Those in flight that are in transfer, of `together`; else none. */
  readonly transferring: Int32Array;
  /** Added to the strategy's clock it gives that of `silentSinceMs`. */
  readonly clockOffsetMs: number;
  // By slot; others only read them:
  /** Whose figures they are: the id of a server. A slot may have changed hands since. */
  readonly owner: Int32Array;
  /** Picks without an outcome; not kept by those who count together. */
  readonly sent: Int32Array;
  /** When the last response came, or when the first request was sent that waits since. */
  readonly silentSinceMs: Float64Array;

  constructor(fleet: Pick<FleetView, "id" | "inFlight" | "together" | "peers">) {
    const slots = fleet.id.length;
    const { together, peers } = fleet;
    this.#fleet = fleet;
    this.peers = peers;
    this.together = together !== undefined;
    this.transferring = together?.transferring ?? new Int32Array(slots);
    this.clockOffsetMs = together?.clockOffsetMs ?? 0;
    this.owner = new Int32Array(slots);
    this.sent = new Int32Array(slots);
    this.silentSinceMs = together?.sinceMs ?? new Float64Array(slots);
  }

  onPick(slot: number, nowMs: number): void {
    const waiting = this.waiting(slot);
    if (waiting === 0) this.silentSinceMs[slot] = nowMs + this.clockOffsetMs;
    if (this.together) return;
    this.owner[slot] = this.#fleet.id[slot];
    this.sent[slot] = waiting + 1;
  }

  onOutcome(slot: number, nowMs: number): void {
    this.silentSinceMs[slot] = nowMs + this.clockOffsetMs;
    if (this.sent[slot] > 0) this.sent[slot]--;
  }

  /**
   * We stood still ourselves, and heard nothing meanwhile that was said: that time is nobody's silence. Where several hear
   * together each may take its own standstill off, at the same moment as others; what was silent before it began never
   * becomes silent for less than since it ended.
   */
  onStandstill(fromMs: number, untilMs: number): void {
    const { silentSinceMs } = this;
    const lostMs = untilMs - fromMs;
    for (let slot = 0; slot < silentSinceMs.length; slot++) {
      if (silentSinceMs[slot] <= fromMs + this.clockOffsetMs) silentSinceMs[slot] += lostMs;
    }
  }

  /** Requests of other instances that are part of what is in flight, without those in transfer. */
  told(slot: number): number {
    const { peers } = this;
    return peers === undefined ? 0 : peers.inFlight[slot] - peers.transferring[slot];
  }

  /**
   * Requests that wait for their response to begin: of all of this instance when they are counted together, else of this balancer's.
   * A client that gives up leaves no outcome; but no more can wait than is in flight, and so the count mends itself.
   */
  waiting(slot: number): number {
    const inFlight = this.#fleet.inFlight[slot];
    if (this.together) return Math.max(0, inFlight - this.transferring[slot] - this.told(slot));
    if (this.owner[slot] !== this.#fleet.id[slot]) return 0;
    return Math.max(0, Math.min(this.sent[slot], inFlight));
  }
}
