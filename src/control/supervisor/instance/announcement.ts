/** What an instance says of itself when it has started: in the log, and on the time line. */
import { version } from "../../../../package.json";
import type { ListenerSpec, ProxySettings } from "../../../protocol/worker.ts";
import type { WorkerPlan } from "../../allowance/worker-plan.ts";
import type { Events } from "../../events/events.ts";
import type { Fleets } from "../../fleet/fleets.ts";
import type { ControlLog } from "../../log.ts";
import { describeListeners } from "../listening.ts";

/** What it says. */
export interface Started {
  readonly listeners: readonly ListenerSpec[];
  readonly pools: readonly Pick<ProxySettings["pools"][number], "name" | "strategy">[];
  readonly plan: Pick<WorkerPlan, "workers" | "why" | "warning">;
  /** Its servers, and the names that no address is known of yet. */
  readonly fleet: Pick<Fleets, "summary" | "unresolved">;
  /** When it began, milliseconds since the epoch. */
  readonly startedAtMs: number;
}

/** Says it. */
export function announceStart(started: Started, log: ControlLog, events: Events): void {
  const { listeners, pools, plan, fleet, startedAtMs: atMs } = started;
  const { workers } = plan;
  const { total } = fleet.summary();
  const unresolved = fleet.unresolved();
  const listening = describeListeners(listeners);
  const several = pools.length > 1;
  const which = several ? { pools: pools.length } : { strategy: pools[0].strategy };
  const fields = { ...listening.fields, workers, workers_why: plan.why, servers: total, ...which };
  const servers = `${total} ${total === 1 ? "server" : "servers"}${several ? ` in ${pools.length} pools` : ""}`;
  const sentence = `balancing over ${servers} ${listening.where}`;
  const strategies = Object.fromEntries(pools.map(({ name, strategy }) => [name, strategy]));
  const detail = { version, workers, servers: total, strategies, instance_pid: process.pid };
  // It began with the process: what was found of servers meanwhile came after.
  events.note({ atMs, kind: "start", message: `NeuraBalancer ${version} started: ${sentence}`, detail });
  if (plan.warning !== null) log.warn({ workers }, plan.warning);
  if (total > 0) {
    log.info(fields, sentence);
    return;
  }
  const why = unresolved.length === 0 ? "" : `: no address is known yet for ${unresolved.join(", ")}`;
  log.warn({ ...fields, unresolved }, `${sentence}${why}; requests get 503 until there is a server`);
}
