/** What canaries see of an instance. */
import type { CanariesOptions } from "../../canary/canaries.ts";
import type { ControlLog } from "../../log.ts";
import type { SupervisorView } from "../status.ts";

/** For `Canaries`. */
export function canariesOptionsOf(view: SupervisorView, log: ControlLog): CanariesOptions {
  const { operating, memory, fleets, configuration, clock } = view;
  return {
    operations: operating.operations,
    memory,
    routes: () => configuration.settings.routes,
    pools: () => fleets.pools(),
    isSticky: (pool) =>
      configuration.settings.pools.some(({ name, stickyCookie }) => name === pool && stickyCookie !== null),
    isJudge: () => operating.replication?.isEldest ?? true,
    log,
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
  };
}
