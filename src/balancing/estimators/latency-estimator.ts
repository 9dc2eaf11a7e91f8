/**
 * What a latency estimator is: it turns the outcomes of attempts into one figure per server, and knows nothing of
 * choosing. Every estimate has a warm-up, an expiry and a neutral default: unknown is never zero, so a newcomer does
 * not take every request, and silence leads back to the default, so nobody is shunned for ever.
 */
export interface LatencyEstimator {
  /** Takes in the outcome of one attempt at `slot`. */
  observe(slot: number, latencyMs: number, failed: boolean, nowMs: number): void;

  /** The estimate for the server in `slot`, milliseconds, > 0; the fleet's average while nothing is known. */
  read(slot: number, nowMs: number): number;

  /**
   * True when nothing worth believing is known of the server: not heard of yet, or not any more. Pickers send one
   * request to find out, because a default that is merely average would never be tried on an idle fleet.
   */
  isUnknown(slot: number, nowMs: number): boolean;

  /** A request was sent to find out: the server counts as known until it has been silent for a whole expiry again. */
  onProbe(slot: number, nowMs: number): void;
}

/** A failed attempt costs at least this, milliseconds: a server that fails at once must not look fast. */
export const FAILURE_LATENCY_MS = 1000;

/** No latency counts as less, milliseconds: at zero the in-flight factor would lose its meaning. */
export const LEAST_LATENCY_MS = 0.01;

/** An attempt cannot have taken longer, milliseconds: what is beyond says nothing, and sums of what is below stay finite. */
const MOST_LATENCY_MS = 1e9;

/**
 * True when an outcome can be learned from. Every estimator asks before it takes one in: a single NaN in a sum with
 * forgetting would stay there for ever.
 */
export function isObservable(latencyMs: number, nowMs: number): boolean {
  return latencyMs <= MOST_LATENCY_MS && Number.isFinite(nowMs);
}

/** Silence after which a server is unknown again, in time constants: 5 % of the evidence is left by then. */
export const EXPIRY_TIME_CONSTANTS = 3;
