/** What a simulated instance holds requests by. */
import type { LearnedLimits } from "../../balancing/holding/room.ts";

/** What came of a request, as whoever learns limits hears of it. */
export interface HeldOutcome {
  readonly server: number;
  /** From when it was sent, milliseconds. */
  readonly latencyMs: number;
  /** How long it was held before, milliseconds. */
  readonly heldMs: number;
  readonly failed: boolean;
  /** At its server when it was sent, without it. */
  readonly inFlight: number;
  readonly nowMs: number;
}

/** The requests that are held. */
export interface HeldNow {
  readonly length: number;
  /** For how long the first of them has waited, milliseconds; 0 = none is held. */
  readonly waitedMs: number;
}

/** Limits, and when they hold. */
export interface Holding {
  readonly limits: LearnedLimits;
  /** Requests may be held now. */
  readonly on: boolean;
  /** For how long at most, milliseconds. */
  readonly patienceMs: number;
  /** Called every `HOLDING_TICK_MS` with the servers that may get requests, and who is held. */
  tick(candidates: Int32Array, count: number, held: HeldNow, nowMs: number): void;
  onOutcome(outcome: HeldOutcome): void;
}

/** From one `tick` to the next, milliseconds: as often as the learner makes tables. */
export const HOLDING_TICK_MS = 50;
