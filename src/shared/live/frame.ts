/**
 * What the page lives on: once a second one `frame` of `GET /api/v1/live`, for all who watch. Names and whatever else stays as
 * it is from second to second are in the topology (topology.ts), which comes first and whenever it changes; a frame says which
 * one it goes with. Both the page and the supervisor import this, so it has no code. `null` = not known, or there was nothing.
 */

/**
 * Requests: rates of the last five seconds, quantiles of the last five to ten. Milliseconds are of whole requests, first byte in
 * to last byte out.
 */
export interface LiveTraffic {
  /** Requests that ended, a second. */
  readonly rps: number;
  /** Of these, with a status of 5xx, whoever gave it. */
  readonly s5xx: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** The instance as a whole. */
export interface LiveInstance {
  /** As `/health/ready` says it. */
  readonly ready: boolean;
  readonly draining: boolean;
  readonly uptime_s: number;
  readonly workers_ready: number;
  readonly workers: number;
  /** Modes of `neurabalancer_degraded` that are on. */
  readonly degraded: readonly string[];
}

/** All traffic of the instance. */
export interface LiveTotals extends LiveTraffic {
  /** With a status of 4xx, a second. */
  readonly s4xx: number;
  /** Attempts that servers failed, a second: what retries hid is among them. */
  readonly failures: number;
  /** Refused before a server was chosen, a second. */
  readonly refused: number;
  readonly retries: number;
  readonly in_flight: number;
  readonly queued: number;
  readonly connections: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
}

/** One pool. */
export interface LivePool extends LiveTraffic {
  readonly name: string;
  /** A rung of the ladder of `ml`: `model`, `estimator`, `weighted_round_robin`; `null` with another strategy. */
  readonly rung: string | null;
  readonly total: number;
  readonly healthy: number;
  readonly usable: number;
  readonly panic: boolean;
  readonly in_flight: number;
  /** Attempts that its servers failed, a second. */
  readonly failures: number;
  /** Requests that wait for a server of it, and those of them that are held because of learned limits. */
  readonly queued: number;
  readonly held: number;
  /** Whether requests may be held: `off`, `learning`, `holding`, `stopped`, `stale`. */
  readonly holding: string;
}

/** What goes from a route to a pool; `pool` is empty for what the route answers itself. */
export interface LiveFlow {
  readonly route: string;
  readonly pool: string;
  readonly rps: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** A route, over all pools that it goes to. */
export interface LiveRoute {
  readonly name: string;
  readonly rps: number;
  readonly s5xx: number;
}

/** One server; what does not change is in the topology under the same id. */
export interface LiveServer {
  readonly id: number;
  /** `up`, `down`, `draining`, `ejected`, `starting`, `standby`, `maintenance`. */
  readonly state: string;
  readonly reason: string;
  /** When the state began, milliseconds since the epoch. */
  readonly since: number;
  /** Its part of the attempts at its pool's servers, 0 … 1. */
  readonly share: number | null;
  /** Attempts that ended, a second. */
  readonly rps: number;
  readonly in_flight: number;
  /** Requests that it works on at once, as was learned; `null` = no such limit is in force. */
  readonly concurrency_limit: number | null;
  /** Most at one time; 0 = not enforced. */
  readonly hard_limit: number;
  /** Time to the response head, milliseconds. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Percent. */
  readonly cpu: number | null;
  readonly memory: number | null;
  /** Share of failed attempts, 0 … 1. */
  readonly errors: number;
  readonly weight: number;
  /** After slow start. */
  readonly effective: number;
  readonly capacity: number;
  /** What the model predicted and what came of it over the same attempts, milliseconds; with `ml` alone. */
  readonly predicted: number | null;
  readonly actual: number | null;
  /** Why it gets what it gets, one sentence. */
  readonly why: string;
}

/** One arm of learned balancing. */
export interface LiveArm {
  readonly arm: "champion" | "control" | "canary" | "probe";
  /** Share that is meant for it, 0 … 1; `null` = what is left. */
  readonly share: number | null;
  /** Decisions a second, over all pools that are learned of. */
  readonly rps: number;
  /** Mean cost of late, in mean latencies of the fleet; lower is better. */
  readonly cost: number | null;
}

/** A pool that is balanced by what is learned. */
export interface LiveLearning {
  readonly pool: string;
  readonly rung: string;
  /** Why the rung is not the model; empty while it is. */
  readonly rung_reason: string;
  readonly table_age_ms: number | null;
  /** No model is trained, tried or promoted until it is resumed. */
  readonly paused: boolean;
  readonly arms: readonly LiveArm[];
  /** The model that serves, the one under trial; versions. */
  readonly champion: number | null;
  readonly canary: number | null;
  /**
   * The policy that serves against the one a rung below, over the last minutes: by how much a request costs less (0.12 = 12 %
   * less; below 0 = more), and within which bounds that is with 95 %. `null` = too little to say.
   */
  readonly advantage: { readonly mean: number; readonly low: number; readonly high: number } | null;
  /** `better`, `worse`, `unclear` (both are possible) or `unknown` (too little traffic). */
  readonly verdict: "better" | "worse" | "unclear" | "unknown";
  /** The same in a sentence. */
  readonly sentence: string;
  /** The last verdict of the judges: its kind, when, and its sentence. */
  readonly last_verdict: { readonly kind: string; readonly at: number; readonly message: string } | null;
}

/** One second. Times are milliseconds since the epoch, rates a second. */
export interface LiveFrame {
  /** Of the topology that it goes with. */
  readonly topology: number;
  readonly at: number;
  /** Names of the instances that its numbers add up over: one, the instance that is asked, which knows of no other. */
  readonly instances: readonly string[];
  readonly instance: LiveInstance;
  readonly totals: LiveTotals;
  readonly pools: readonly LivePool[];
  readonly routes: readonly LiveRoute[];
  readonly flows: readonly LiveFlow[];
  readonly servers: readonly LiveServer[];
  readonly learning: readonly LiveLearning[];
}
