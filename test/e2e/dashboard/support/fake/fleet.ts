/** Fleets that are not there: topologies, frames and the last hour of any number of servers, always the same for the same number. */
import type { LiveFrame, LivePool, LiveServer } from "../../../../../src/shared/live/frame.ts";
import type { LiveRecent, LiveSeries, ServerSeries, TrafficSeries } from "../../../../../src/shared/live/recent.ts";
import type { LiveTopology } from "../../../../../src/shared/live/topology.ts";

/** What is to be shown. */
export interface FakeFleet {
  readonly servers: number;
  readonly pools?: readonly string[];
  /** None of them answers. */
  readonly allDown?: boolean;
  readonly learning?: boolean;
  /** As clouds give them. */
  readonly longNames?: boolean;
  /** Of each pool, in their order, whether requests may be held; without it all hold where they learn, else none. */
  readonly holding?: readonly LivePool["holding"][];
}

const STEP_MS = 5_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const STRATEGIES = [
  ["round_robin", "Each server in turn, whatever its weight."],
  ["least_connections", "The server with the fewest requests in flight for its weight; ties at random."],
  ["p2c", "Power of two choices: of two random servers, the one with fewer requests in flight for its weight."],
  ["adaptive", "The server with the lowest latency expected from its speed and load, both learned from answers."],
  ["ml", "The server with the lowest cost expected by a model that learns from answers while it serves."],
  ["consistent_hash", "The server that the request's key belongs to, while it has room."],
] as const;

/** Names of everything. */
export function fakeTopology(fleet: FakeFleet, startedMs: number): LiveTopology {
  const pools = fleet.pools ?? ["default"];
  return {
    topology: 1,
    instance: {
      name: "edge-1",
      version: "0.1.0",
      runtime: "bun 1.4.5",
      pid: 4711,
      started: startedMs,
      adds_up_over: "this instance's 4 workers",
      demo: false,
      history: true,
    },
    strategies: STRATEGIES.map(([name, description]) => ({ name, description })),
    listeners: [{ host: "0.0.0.0", port: 8443, tls: true }],
    certificates: [{ name: "shop.example.test", expires: startedMs + 40 * DAY_MS }],
    pools: pools.map((name) => ({
      name,
      strategy: fleet.learning ? "ml" : "least_connections",
      in_use: true,
      request_classes: fleet.learning ?? false,
    })),
    routes:
      pools.length === 1
        ? [{ name: "/*", targets: [{ pool: pools[0], weight: 1 }] }]
        : pools.map((pool, i) => ({
            name: `/${pool}`,
            targets:
              i === 0
                ? [
                    { pool, weight: 95 },
                    { pool: pools[1], weight: 5 },
                  ]
                : [{ pool, weight: 1 }],
          })),
    servers: Array.from({ length: fleet.servers }, (_, i) => ({
      id: i + 1,
      name: serverName(fleet, i),
      pool: pools[i % pools.length],
      url: `http://${serverName(fleet, i)}`,
      address: "",
      zone: null,
      backup: false,
      configured_weight: 1,
      configured_capacity: 0,
      weight_origin: "configuration",
      capacity_origin: "configuration",
    })),
  };
}

function serverName({ longNames = false }: FakeFleet, i: number): string {
  if (longNames) return `ip-10-0-${i >> 8}-${(i & 255) + 1}.eu-central-1.compute.internal.example.test:18080`;
  return `10.0.${i >> 8}.${(i & 255) + 1}:8080`;
}

/** One second. */
export function fakeFrame(fleet: FakeFleet, atMs: number): LiveFrame {
  const pools = fleet.pools ?? ["default"];
  const second = Math.floor(atMs / 1000);
  const servers = Array.from({ length: fleet.servers }, (_, i) => fakeServer(fleet, i, second, pools.length, atMs));
  const ofPool = (at: number) => servers.filter((_, i) => i % pools.length === at);
  const rps = sum(servers.map((server) => server.rps));
  const usable = servers.filter(({ state }) => state === "up").length;
  return {
    topology: 1,
    at: atMs,
    instances: ["edge-1"],
    instance: {
      ready: usable > 0,
      draining: false,
      uptime_s: 93_600,
      workers_ready: 4,
      workers: 4,
      degraded: fleet.allDown ? ["panic"] : [],
    },
    totals: {
      rps,
      s5xx: fleet.allDown ? 12 : rps / 800,
      p50: fleet.servers === 0 ? null : 11 + wave(second, 31),
      p99: fleet.servers === 0 ? null : 84 + 9 * wave(second, 17),
      s4xx: rps / 90,
      failures: fleet.allDown ? 12 : rps / 600,
      refused: 0,
      retries: rps / 700,
      in_flight: sum(servers.map((server) => server.in_flight)),
      queued: sum(pools.map((_, at) => fakeHolding(fleet, at).queued)),
      connections: 240,
      bytes_in: rps * 600,
      bytes_out: rps * 4200,
    },
    pools: pools.map((name, at) => ({
      name,
      rung: fleet.learning ? "model" : null,
      total: ofPool(at).length,
      healthy: ofPool(at).filter(({ state }) => state === "up").length,
      usable: ofPool(at).filter(({ state }) => state === "up").length,
      panic: false,
      rps: sum(ofPool(at).map((server) => server.rps)),
      s5xx: 0,
      p50: 11,
      p99: 90,
      in_flight: sum(ofPool(at).map((server) => server.in_flight)),
      failures: 0,
      ...fakeHolding(fleet, at),
    })),
    routes: (pools.length === 1 ? ["*"] : pools).map((pool, at) => ({
      name: `/${pool}`,
      rps: pools.length === 1 ? rps : sum(ofPool(at).map((server) => server.rps)),
      s5xx: 0,
    })),
    flows: pools.map((pool, at) => ({
      route: pools.length === 1 ? "/*" : `/${pool}`,
      pool,
      rps: sum(ofPool(at).map((server) => server.rps)),
      p50: 11,
      p99: 90,
    })),
    servers,
    learning: fleet.learning ? pools.map((pool) => fakeLearning(pool, atMs)) : [],
  };
}

/** A pool that does not hold has requests that wait for hard limits, if it has anything to do with holding. */
function fakeHolding(fleet: FakeFleet, at: number): Pick<LivePool, "queued" | "held" | "holding"> {
  const holding = fleet.holding?.[at] ?? (fleet.learning ? "holding" : "off");
  if (holding === "holding") return { queued: 7, held: 7, holding };
  return { queued: holding === "stopped" ? 3 : 0, held: 0, holding };
}

function fakeServer(fleet: FakeFleet, i: number, second: number, pools: number, atMs: number): LiveServer {
  const ill = fleet.allDown || i % 37 === 5;
  const draining = !ill && i % 41 === 7;
  const rps = ill || draining ? 0 : 20 + ((i * 13) % 29) + 4 * wave(second + i, 13);
  const slow = 1 + ((i * 7) % 5);
  return {
    id: i + 1,
    state: ill ? "down" : draining ? "draining" : "up",
    reason: ill
      ? "3 health checks in a row failed: connection refused"
      : draining
        ? "drained by an operator"
        : "health check passed",
    since: atMs - 60_000 * (i + 3),
    share: ill || draining ? 0 : Math.min(1, pools / Math.max(1, fleet.servers)),
    rps,
    in_flight: ill ? 0 : Math.round(slow + 2 * (1 + wave(second + i, 7))),
    concurrency_limit: fleet.learning ? 12 : null,
    hard_limit: i % 4 === 0 ? 64 : 0,
    p50: ill ? null : 6 * slow + wave(second + i, 11),
    p99: ill ? null : 31 * slow + 5 * wave(second + i, 19),
    cpu: ill ? null : 30 + ((i * 17) % 50),
    memory: ill ? null : 40,
    errors: ill ? 1 : i % 23 === 11 ? 0.034 : 0,
    weight: 1,
    effective: 1,
    capacity: i % 4 === 0 ? 64 : 0,
    predicted: fleet.learning && !ill ? 6 * slow : null,
    actual: fleet.learning && !ill ? 6 * slow + 2 * wave(second + i, 5) : null,
    why: ill ? "" : `${slow} in flight, 4 on average: whoever has least for its weight is next`,
  };
}

function fakeLearning(pool: string, atMs: number): LiveFrame["learning"][number] {
  return {
    pool,
    rung: "model",
    rung_reason: "",
    table_age_ms: 48,
    paused: false,
    arms: [
      { arm: "champion", share: null, rps: 88, cost: 0.91 },
      { arm: "control", share: 0.05, rps: 5, cost: 1.04 },
      { arm: "canary", share: 0.05, rps: 5, cost: 0.9 },
      { arm: "probe", share: 0.02, rps: 2, cost: 1.2 },
    ],
    champion: 7,
    canary: 8,
    advantage: { mean: 0.12, low: 0.07, high: 0.17 },
    verdict: "better",
    sentence: "The model serves at 12 % less cost than the estimator; with 95 % it is between 7 % and 17 %.",
    last_verdict: { kind: "promoted", at: atMs - 3_600_000, message: "model 7 is better than model 6 by 4 %" },
  };
}

/** As the instance remembers it. */
export function fakeRecent(fleet: FakeFleet, nowMs: number, topology: LiveTopology): LiveRecent {
  const at = Array.from({ length: HOUR_MS / STEP_MS }, (_, i) => nowMs - HOUR_MS + (i + 1) * STEP_MS);
  const frames = at.map((ms) => fakeFrame({ ...fleet, servers: Math.min(fleet.servers, 12) }, ms));
  const factor = fleet.servers / Math.max(1, Math.min(fleet.servers, 12));
  const series = (value: (frame: LiveFrame) => number | null): LiveSeries => frames.map(value);
  const totals = {
    rps: series((frame) => frame.totals.rps * factor),
    s5xx: series((frame) => frame.totals.s5xx),
    failures: series((frame) => frame.totals.failures),
    p50: series((frame) => frame.totals.p50),
    p99: series((frame) => frame.totals.p99),
    in_flight: series((frame) => frame.totals.in_flight * factor),
    queued: series(() => 0),
  };
  const traffic = (of: (frame: LiveFrame) => LivePool): TrafficSeries => ({
    rps: series((frame) => of(frame).rps * factor),
    s5xx: series((frame) => of(frame).s5xx),
    failures: series((frame) => of(frame).failures),
    p50: series((frame) => of(frame).p50),
    p99: series((frame) => of(frame).p99),
    in_flight: series((frame) => of(frame).in_flight * factor),
  });
  const single = (of: (frame: LiveFrame) => LiveServer): ServerSeries => ({
    rps: series((frame) => of(frame).rps),
    p50: series((frame) => of(frame).p50),
    p99: series((frame) => of(frame).p99),
    in_flight: series((frame) => of(frame).in_flight),
    errors: series((frame) => of(frame).errors),
    cpu: series((frame) => of(frame).cpu),
  });
  const pools = Object.fromEntries(topology.pools.map(({ name }, i) => [name, traffic((frame) => frame.pools[i])]));
  // As the instance: of many servers only those that are asked for.
  const told = factor === 1 ? topology.servers : [];
  const servers = Object.fromEntries(told.map(({ id }, i) => [String(id), single((frame) => frame.servers[i])]));
  return { step_s: 5, at, totals, pools, servers, topology };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

/** Between -1 and 1, and the same for the same second. */
function wave(second: number, period: number): number {
  return Math.sin((second / period) * Math.PI * 2) * 0.7 + Math.sin(second * 1.7) * 0.3;
}
