/** What a fleet tells: of each server, and of all together. */
import type { OwnVerdict, Votes } from "../../health/majority.ts";
import type { ServerFigures } from "../../telemetry/metrics/source.ts";
import type { NumberOrigin, OverriddenName } from "./overrides.ts";
import type { WithdrawalView } from "./withdrawal.ts";

/**
 * A server's state in words. `starting`: takes requests, but no probe has succeeded yet. `standby`: is well, and kept for when
 * others fail. `maintenance`: as `draining`, and worked on.
 */
export type ServerStateName = "up" | "down" | "draining" | "maintenance" | "ejected" | "starting" | "standby";

/** One server as the HTTP API shows it; the names are those of the API. What metrics show of it stands there. */
export interface ServerStatus extends ServerFigures {
  readonly port: number;
  readonly state: ServerStateName;
  /** Why it is in this state, for an operator. */
  readonly reason: string;
  /** The same, by the name that does not ask of what. */
  readonly state_reason: string;
  /** What the instances of the cluster make of it; `null` = nothing fresh is known of others. */
  readonly cluster: ClusterVotes | null;
  /** It has left the configuration, and finishes what it has. */
  readonly removed: boolean;
  /** That an operator has taken it out, by a drain or for maintenance; `null` = nobody has. */
  readonly maintenance: WithdrawalView | null;
  /** 0 = not enforced. */
  readonly hard_limit: number;
  /** What the configuration says, and where what is in force comes from. */
  readonly configured_weight: number;
  readonly weight_origin: NumberOrigin;
  readonly configured_capacity: number;
  /** Most requests in flight, as configured; 0 = not enforced. */
  readonly configured_hard_limit: number;
  readonly capacity_origin: NumberOrigin;
  /** Since the server came. */
  readonly requests: number;
  readonly failures: number;
  /** When the state last changed, ISO 8601. */
  readonly since: string;
}

/** Views of a server, this instance's included. */
export interface ClusterVotes extends Votes {
  /** This instance's. */
  readonly own: OwnVerdict;
  /** Enough have it out for all to leave it out. */
  readonly majority: boolean;
}

/** A number that may be set at run time. */
export interface OverridableView {
  readonly value: number;
  readonly configured: number;
  readonly origin: NumberOrigin;
}

/** A server of which one was. */
export interface OverriddenServer {
  readonly id: number;
  readonly pool: string;
  readonly url: string;
  readonly address: string;
  readonly numbers: Readonly<Record<OverriddenName, OverridableView>>;
}

/** A pool of the configuration. */
export interface PoolSummary extends FleetSummary {
  readonly name: string;
  /** Of the shared memory. */
  readonly row: number;
  /** Servers that this instance leaves to others (`SUBSET_SIZE`); none of the figures counts them. */
  readonly unused: number;
}

/** The fleet in two numbers, for readiness. */
export interface FleetSummary {
  /** Servers that are configured and resolved. */
  readonly total: number;
  /** Those that take requests and have passed a health check. */
  readonly healthy: number;
  /** Those that are up, whether or not a check has said so yet; of servers that stand by, too. */
  readonly up: number;
  /** Those that requests may be sent to: those that are up, in panic all that do not drain. */
  readonly usable: number;
  readonly panic: boolean;
}

/** Of a fleet without any. */
export const NO_SERVERS: FleetSummary = Object.freeze({ total: 0, healthy: 0, up: 0, usable: 0, panic: false });
