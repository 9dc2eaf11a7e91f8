/** Makes frames: a second of the instance as the page shows it. */
import type { LiveFlow, LiveFrame, LivePool, LiveServer } from "../../shared/live/frame.ts";
import type { LiveTopology } from "../../shared/live/topology.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { readPoolQueue } from "../../shared/memory/pool-queue.ts";
import { FIRST_ROUTE_NUMBER, Route } from "../../shared/memory/series-table.ts";
import type { ServerStatus } from "../fleet/status.ts";
import type { LiveLearningReader } from "./learning.ts";
import { NO_QUANTILES, rounded } from "./quantiles.ts";
import { TopologyWatch } from "./topology.ts";
import { type Look, queuedNow, type Traffic } from "./traffic.ts";
import type { LiveView } from "./view.ts";
import { type WhyPool, why } from "./why.ts";

/** States in which a server takes requests. */
const TAKING: ReadonlySet<string> = new Set(["up", "starting"]);
/** What the policies below the model do, by the name of a strategy that does the same. */
const STRATEGY_OF_RUNG: Readonly<Record<string, string>> = {
  estimator: "adaptive",
  weighted_round_robin: "weighted_round_robin",
};

/** Routes, and what goes from them to pools: of more a frame tells the busiest. */
const MAX_ROUTES = 256;

/** A frame, and the topology that it goes with. */
export interface MadeFrame {
  readonly frame: LiveFrame;
  readonly topology: LiveTopology;
}

/** One instance's. */
export class FrameMaker {
  readonly #view: LiveView;
  readonly #topology: TopologyWatch;
  readonly #learning: LiveLearningReader;

  constructor(view: LiveView, learning: LiveLearningReader) {
    this.#view = view;
    this.#learning = learning;
    this.#topology = new TopologyWatch(view);
  }

  /** The topology as it is now. */
  topology(): LiveTopology {
    return this.#topology.look([...this.#view.fleets.statuses()]);
  }

  /** @param now the reading that `traffic` ends with. */
  make(traffic: Traffic, { reading }: Look): MadeFrame {
    const view = this.#view;
    const statuses = [...view.fleets.statuses()];
    const topology = this.#topology.look(statuses);
    const learning = this.#learning.read(traffic);
    const rungs = new Map(learning.map(({ pool, rung }) => [pool, rung]));
    const { totals, rate } = traffic;
    const frame: LiveFrame = {
      topology: topology.topology,
      at: view.wallMs(),
      instances: [view.name],
      instance: this.#instance(),
      totals: {
        rps: totals.rps,
        s4xx: totals.s4xx,
        s5xx: totals.s5xx,
        p50: totals.p50,
        p99: totals.p99,
        failures: totals.failures,
        refused: rate(WorkerCounter.REQUESTS_REFUSED),
        retries: rate(WorkerCounter.RETRIES),
        in_flight: totals.inFlight,
        queued: queuedNow(reading),
        connections: reading.counters[WorkerCounter.CONNECTIONS_OPEN],
        bytes_in: rate(WorkerCounter.BYTES_FROM_CLIENTS),
        bytes_out: rate(WorkerCounter.BYTES_TO_CLIENTS),
      },
      pools: this.#pools(traffic, rungs),
      routes: busiest([...traffic.routes].map(([number, { rps, s5xx }]) => ({ route: number, rps, s5xx }))).map(
        ({ route, rps, s5xx }) => ({ name: view.routeName(route), rps, s5xx }),
      ),
      flows: busiest(traffic.flows).map(
        ({ route, pool, rps, p50, p99 }): LiveFlow => ({ route: view.routeName(route), pool, rps, p50, p99 }),
      ),
      servers: this.#servers(statuses, traffic, rungs),
      learning,
    };
    return { frame, topology };
  }

  #instance(): LiveFrame["instance"] {
    const modes = this.#view.degradedModes();
    return {
      ready: this.#view.isReady(),
      draining: modes.draining ?? false,
      uptime_s: Math.round(this.#view.uptimeMs() / 1_000),
      workers_ready: this.#view.workersReady(),
      workers: this.#view.workersWanted(),
      degraded: Object.keys(modes).filter((mode) => modes[mode]),
    };
  }

  #pools(traffic: Traffic, rungs: ReadonlyMap<string, string>): LivePool[] {
    const { memory, learner, fleets } = this.#view;
    const holding = new Map(learner.limited.map(({ name, state }) => [name, state]));
    return fleets.pools().map(({ name, row, total, healthy, usable, panic }) => {
      const figures = traffic.pools.get(name);
      const { waiting, held } = readPoolQueue(memory, row);
      return {
        name,
        rung: rungs.get(name) ?? null,
        total,
        healthy,
        usable,
        panic,
        rps: figures?.rps ?? 0,
        s5xx: figures?.s5xx ?? 0,
        p50: figures?.p50 ?? null,
        p99: figures?.p99 ?? null,
        in_flight: figures?.inFlight ?? 0,
        failures: figures?.failures ?? 0,
        queued: waiting,
        held,
        holding: holding.get(name) ?? "off",
      };
    });
  }

  #servers(statuses: readonly ServerStatus[], traffic: Traffic, rungs: ReadonlyMap<string, string>): LiveServer[] {
    const predictions = this.#learning.predictions();
    const expected = this.#learning.expected();
    const pools = new Map<string, WhyPool>();
    const panics = new Map(this.#view.fleets.pools().map(({ name, panic }) => [name, panic]));
    for (const { name } of this.#view.fleets.pools()) {
      const rung = rungs.get(name);
      const strategy = (rung !== undefined && STRATEGY_OF_RUNG[rung]) || this.#view.strategyOf(name);
      const members = statuses.filter(({ pool }) => pool === name);
      pools.set(name, poolOf(members, strategy, panics.get(name) ?? false, traffic, expected));
    }
    return statuses.map((server) => {
      const figures = traffic.servers.get(server.id);
      const { p50, p99 } = figures ?? NO_QUANTILES;
      const prediction = predictions.get(server.id);
      const pool = pools.get(server.pool);
      const facts = {
        state: server.state,
        reason: server.reason,
        share: server.traffic_share,
        weight: server.weight,
        effective: server.effective_weight,
        inFlight: server.active_connections,
        limit: server.concurrency_limit,
        hardLimit: server.hard_limit,
        p50: p50 ?? server.response_ms?.p50 ?? null,
        expectedMs: expected.get(server.id) ?? null,
      };
      return {
        id: server.id,
        state: server.state,
        reason: server.reason,
        since: Date.parse(server.since),
        share: server.traffic_share === null ? null : rounded(server.traffic_share),
        rps: figures?.rps ?? 0,
        in_flight: server.active_connections,
        concurrency_limit: server.concurrency_limit,
        hard_limit: server.hard_limit,
        p50,
        p99,
        cpu: server.cpu_usage === null ? null : rounded(server.cpu_usage),
        memory: server.memory_usage === null ? null : rounded(server.memory_usage),
        errors: figures?.errors ?? 0,
        weight: server.weight,
        effective: rounded(server.effective_weight),
        capacity: server.capacity,
        predicted: prediction?.predicted ?? null,
        actual: prediction?.actual ?? null,
        why: pool === undefined ? "its pool is gone: it finishes what it has" : why(facts, pool),
      };
    });
  }
}

/** Those of the configuration, and what else has traffic; of very many the busiest. */
function busiest<T extends { readonly route: number; readonly rps: number }>(figures: readonly T[]): readonly T[] {
  const shown = figures.filter(({ route, rps }) => rps > 0 || route === Route.PROXY || route >= FIRST_ROUTE_NUMBER);
  if (shown.length <= MAX_ROUTES) return shown;
  return shown.sort((a, b) => b.rps - a.rps).slice(0, MAX_ROUTES);
}

function poolOf(
  members: readonly ServerStatus[],
  strategy: string,
  panic: boolean,
  traffic: Traffic,
  expected: ReadonlyMap<number, number>,
): WhyPool {
  const taking = members.filter(({ state }) => panic || TAKING.has(state));
  const speeds = taking.flatMap(({ id }) => {
    const own = expected.get(id) ?? null;
    return own === null ? [] : [own];
  });
  const medians = taking.flatMap(({ id }) => traffic.servers.get(id)?.p50 ?? []);
  const known = speeds.length > 0 ? speeds : medians;
  return {
    strategy,
    panic,
    usable: taking.length,
    weights: taking.reduce((sum, { effective_weight }) => sum + effective_weight, 0),
    inFlight: mean(taking.map(({ active_connections }) => active_connections)) ?? 0,
    p50: mean(medians),
    expectedMs: mean(speeds),
    fastestMs: known.length === 0 ? null : Math.min(...known),
  };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
