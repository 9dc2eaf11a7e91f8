/** What built-in scenarios are made of. */
import type { Arrivals, Discipline, Disturbance, Effect, RequestKind, Sharing } from "./scenario.ts";
import type { ServiceDistribution } from "./service-times.ts";

/** What all built-in scenarios share; the command line can change each of it. */
export interface BaseFleet {
  readonly servers: number;
  /** Per server. */
  readonly workers: number;
  readonly discipline: Discipline;
  readonly service: ServiceDistribution;
  readonly meanMs: number;
  /** Routes that requests are of; left out = they are all of one. */
  readonly kinds?: readonly RequestKind[];
  readonly load: number;
  readonly arrivals: Arrivals;
  /** One way, milliseconds. */
  readonly networkMs: number;
  readonly balancers: number;
  /** `null` = what the scenario says, which is `own` for most. */
  readonly sharing: Sharing | null;
  /** Servers that each balancer uses; 0 = all. */
  readonly subset: number;
}

/** One scenario before it is put on a base fleet. Lists of tens are repeated for larger fleets. */
export interface Recipe {
  readonly name: string;
  readonly description: string;
  /** What the base is changed to first. */
  readonly fleet?: (base: BaseFleet) => BaseFleet;
  readonly speeds?: readonly number[];
  /** Factors of the base's workers. */
  readonly sizes?: readonly number[];
  readonly sharing?: Sharing;
  readonly arrivals?: Arrivals;
  readonly disturbances?: readonly DisturbanceRecipe[];
}

/** A disturbance before it is known how many servers there are. */
export interface DisturbanceRecipe extends Partial<Omit<Disturbance, "servers" | "effect">> {
  /** The workers of a `resize` are factors of the base's. */
  readonly effect: Effect;
  /** Indices, of which those beyond the fleet are left out; `all` = every server. */
  readonly servers: readonly number[] | "all";
  readonly durationMs: number;
}
