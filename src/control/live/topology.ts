/** What frames leave out because it stays as it is. */
import { STRATEGIES } from "../../balancing/registry.ts";
import type { LiveTopology } from "../../shared/live/topology.ts";
import { historyName } from "../../shared/server-name.ts";
import type { ServerStatus } from "../fleet/status.ts";
import type { LiveView } from "./view.ts";

/** Tells whether anything of it has changed. */
export class TopologyWatch {
  readonly #view: LiveView;
  #last = "";
  #number = 0;

  constructor(view: LiveView) {
    this.#view = view;
  }

  /** As it is now. @returns the same number as long as nothing has changed. */
  look(statuses: readonly ServerStatus[]): LiveTopology {
    const topology = describe(this.#view, statuses);
    const text = JSON.stringify(topology);
    if (text !== this.#last) {
      this.#last = text;
      this.#number++;
    }
    return { topology: this.#number, ...topology };
  }
}

function describe(view: LiveView, statuses: readonly ServerStatus[]): Omit<LiveTopology, "topology"> {
  const workers = view.workersWanted();
  const names = new Map(view.fleets.endpoints().map((endpoint) => [endpoint.id, historyName(endpoint).server]));
  const inUse = view.poolsInUse();
  const classed = new Set(view.learner.classed.map(({ name }) => name));
  return {
    instance: {
      name: view.name,
      version: view.version,
      runtime: view.runtime,
      pid: view.pid,
      started: view.startedAtMs,
      adds_up_over: `this instance's ${workers} ${workers === 1 ? "worker" : "workers"}`,
      demo: view.demo,
      history: view.historyKept(),
    },
    strategies: STRATEGIES.map(({ name, description }) => ({ name, description })),
    listeners: view.listeners().map(({ host, port, tls }) => ({ host, port, tls })),
    certificates: view
      .certificates()
      .map(({ name, expiresAtSeconds }) => ({ name, expires: expiresAtSeconds * 1_000 })),
    pools: view.fleets.pools().map(({ name }) => ({
      name,
      strategy: view.strategyOf(name),
      in_use: inUse.has(name),
      request_classes: classed.has(name),
    })),
    routes: view.routes().map(({ name, action }) => ({
      name,
      targets: action.kind === "forward" ? action.targets.map(({ pool, weight }) => ({ pool, weight })) : [],
    })),
    servers: statuses.map((server) => ({
      id: server.id,
      name: names.get(server.id) ?? server.url,
      pool: server.pool,
      url: server.url,
      address: server.address,
      zone: server.zone,
      backup: server.backup,
      configured_weight: server.configured_weight,
      configured_capacity: server.configured_hard_limit,
      weight_origin: server.weight_origin,
      capacity_origin: server.capacity_origin,
    })),
  };
}
