/** What live numbers are made of: as much of an instance as they show. */
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { RouteSpec } from "../../protocol/route.ts";
import type { ListenerSpec } from "../../protocol/worker.ts";
import type { Events } from "../events/events.ts";
import type { EventListener } from "../events/journal.ts";
import type { PoolSummary, ServerStatus } from "../fleet/status.ts";
import type { Learner } from "../processes/learner/learner.ts";
import type { ReadingSource } from "./reading.ts";

/** An instance. */
export interface LiveView extends ReadingSource {
  readonly fleets: {
    statuses(): Iterable<ServerStatus>;
    pools(): readonly PoolSummary[];
    endpoints(): readonly Endpoint[];
  };
  readonly learner: Pick<Learner, "pools" | "limited" | "classed" | "ask">;
  readonly journal: Events & { listen(listener: EventListener): void };
  /** The configuration in force. */
  routes(): readonly RouteSpec[];
  /** Name of a pool's strategy. */
  strategyOf(pool: string): string;
  routeName(number: number): string;
  poolsInUse(): ReadonlySet<string>;
  listeners(): readonly ListenerSpec[];
  certificates(): readonly { readonly name: string; readonly expiresAtSeconds: number }[];
  degradedModes(): Readonly<Record<string, boolean>>;
  isReady(): boolean;
  workersReady(): number;
  workersWanted(): number;
  historyKept(): boolean;
  /** Name of the machine. */
  readonly name: string;
  readonly version: string;
  readonly runtime: string;
  readonly pid: number;
  /** Started by the demo. */
  readonly demo: boolean;
  readonly startedAtMs: number;
  uptimeMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}
