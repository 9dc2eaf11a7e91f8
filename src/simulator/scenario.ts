/** What is simulated: a fleet, the work that arrives, what goes wrong, and who balances. Plain frozen data. */
import type { ServiceDistribution } from "./service-times.ts";

/** How a server's workers share its requests. */
export type Discipline =
  /** Each worker serves one request at a time, the rest queue, first come first served. */
  | "fifo"
  /** All requests are served at once; the workers' power is split evenly among them. */
  | "ps";

/** One server, undisturbed. */
export interface SimulatedServer {
  /** Requests served at full speed at the same time. */
  readonly workers: number;
  /** Work done per millisecond and worker: at 2 a request takes half as long. */
  readonly speed: number;
  readonly discipline: Discipline;
}

/** What a disturbance does while it lasts. */
export type Effect =
  /** Work takes `factor` times as long. */
  | { readonly kind: "slow"; readonly factor: number }
  /** Nothing progresses (garbage collection, a stuck disk); requests wait and health checks still pass. */
  | { readonly kind: "pause" }
  /** A share of the requests (0 … 1) is answered with an error at once, without costing work. */
  | { readonly kind: "errors"; readonly share: number }
  /** A share of the requests is never answered: each fails after the scenario's `timeoutMs`. */
  | { readonly kind: "hangs"; readonly share: number }
  /** Connections and health checks are refused; what was in progress fails. */
  | { readonly kind: "down" }
  /** It has so many workers; what is beyond them is done first. */
  | { readonly kind: "resize"; readonly workers: number }
  /** It does not belong to the fleet: it leaves with what it has in progress, and comes back as one that nobody knows. */
  | { readonly kind: "absent" }
  /**
   * Balancers do nothing: what arrives and what servers answer waits until they go on. `balancers`: each by itself, while the
   * servers work on. `machine`: all that is there stands still at once, servers and health checks too.
   */
  | { readonly kind: "freeze"; readonly of: "balancers" | "machine" }
  /** `factor` times as many requests arrive; concerns no server. */
  | { readonly kind: "surge"; readonly factor: number };

/** An effect on servers over time: from `startMs` for `durationMs`, then again and again if `everyMs` is given. */
export interface Disturbance {
  readonly effect: Effect;
  /** Indices of the servers concerned; of balancers, where these freeze; of a machine that does, and of a surge, none. */
  readonly servers: readonly number[];
  readonly startMs: number;
  /** `Infinity` = to the end. */
  readonly durationMs: number;
  /** From one start to the next, milliseconds; `null` = once. */
  readonly everyMs: number | null;
  /** Durations and the gaps between them are exponential variates with those means, drawn per server. */
  readonly random: boolean;
  /** The second server is hit this much later than the first, and so on. */
  readonly staggerMs: number;
}

/** How requests arrive. Both are open loop: nobody waits for a response before sending the next. */
export type Arrivals =
  | { readonly kind: "poisson" }
  /**
   * A Markov-modulated Poisson process: calm and bursts alternate, both of exponential length. The mean rate is that of
   * the scenario's load; during a burst it is `factor` times the rate in between.
   */
  | { readonly kind: "bursty"; readonly factor: number; readonly burstMs: number; readonly calmMs: number };

/** What balancers know of each other's requests in flight. */
export type Sharing =
  /** One total that all see at any time: the workers of one instance. They share health and ejection too. */
  | "live"
  /** Nothing: instances apart. */
  | "own"
  /** What instances with one Redis do (exchange.ts): each its own, live, and those of the others as it last heard of them. */
  | "cluster"
  /** Instances apart that all tell each other at the same moment, every so many milliseconds. */
  | number;

/** Requests of one route: how many of all they are, and what one costs beside another. */
export interface RequestKind {
  /** Relative to those of the others. */
  readonly share: number;
  /** Mean work in one, relative to that in the others: `meanMs` is the mean over all of them. */
  readonly cost: number;
}

export interface Scenario {
  readonly name: string;
  /** One line: what goes on, and what a good policy does about it. */
  readonly description: string;
  readonly servers: readonly SimulatedServer[];
  /** Of one kind of requests, if there are several. */
  readonly service: ServiceDistribution;
  /** Routes that requests are of; left out = they are all of one. */
  readonly kinds?: readonly RequestKind[];
  /** Mean work of a request: its service time on a worker of speed 1, milliseconds. */
  readonly meanMs: number;
  /** Mean arrival rate as a share of what all undisturbed servers can do together. */
  readonly load: number;
  readonly arrivals: Arrivals;
  readonly disturbances: readonly Disturbance[];
  /** After this a request that hangs fails, milliseconds. */
  readonly timeoutMs: number;
  /** From a balancer to a server, and the same back, milliseconds; left out = 0. */
  readonly networkMs?: number;
  readonly balancers: number;
  readonly sharing: Sharing;
  /** Servers that each balancer uses; left out or 0 = all. Those who share live use the same. */
  readonly subset?: number;
}

/** Requests per millisecond that the undisturbed fleet can serve. */
export function capacityPerMs({ servers, meanMs }: Pick<Scenario, "servers" | "meanMs">): number {
  return servers.reduce((sum, { workers, speed }) => sum + workers * speed, 0) / meanMs;
}
