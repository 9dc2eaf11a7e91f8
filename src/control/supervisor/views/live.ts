/** What live numbers see of an instance. */
import { hostname } from "node:os";
import { version } from "../../../../package.json";
import { demoSocket } from "../../../config/environment.ts";
import { durationPairs } from "../../../protocol/duration-pairs.ts";
import { Header } from "../../../shared/memory/layout/shared-memory.ts";
import { readReadiness } from "../../../shared/memory/readiness.ts";
import type { LiveView } from "../../live/view.ts";
import { certificatesOf } from "../certificates/expiry.ts";
import { degradedModes, type SupervisorView } from "../status.ts";
import { poolsInUse } from "../topology.ts";

/** For `Live`. */
export function liveViewOf(view: SupervisorView): LiveView {
  const { memory, fleets, learner, journal, configuration, clock } = view;
  return {
    memory,
    fleets,
    learner,
    journal,
    durationPairs: () => durationPairs(configuration.settings.routes),
    poolOf: (serverId) => fleets.poolOf(serverId),
    routes: () => configuration.settings.routes,
    routeName: (number) => view.topology().routeName(number),
    strategyOf: (pool) => configuration.settings.pools.find(({ name }) => name === pool)?.strategy ?? "",
    poolsInUse: () => poolsInUse(configuration.settings.routes),
    listeners: () => view.workers()?.listeners ?? [],
    certificates: () => certificatesOf(configuration.settings, view.tracing.settings),
    degradedModes: () => degradedModes(view),
    isReady: () => readReadiness(memory, configuration.settings.pools).status === "ready",
    workersReady: () =>
      view
        .workers()
        ?.status()
        .filter(({ state }) => state === "ready").length ?? 0,
    workersWanted: () => memory.header[Header.WORKERS],
    historyKept: () => configuration.config.history.enabled,
    name: hostname(),
    version,
    runtime: `bun ${Bun.version}`,
    pid: process.pid,
    demo: demoSocket() !== null,
    startedAtMs: view.startedAtMs,
    uptimeMs: view.uptimeMs,
    wallMs: () => clock.wallMs(),
    nowMs: () => clock.nowMs(),
  };
}
