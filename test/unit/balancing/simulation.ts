/**
 * A small discrete-event fleet for tests: servers with a few places each and a queue, several balancers' worth of
 * clients, a virtual clock. Everything is drawn from one seed.
 */
import { seededRandom } from "../../../src/balancing/random.ts";
import type { Strategy } from "../../../src/balancing/strategy.ts";
import type { TestFleet } from "./fleet.ts";

export interface SimulatedServer {
  /** Mean service time, milliseconds, at the time a request is started. */
  readonly meanMs: (nowMs: number) => number;
  /** Requests served at once; the others queue, first come first served. */
  readonly places: number;
  /** Probability of failing, in 1 ms. */
  readonly failureShare?: number;
}

/** Open loop: Poisson arrivals per second. Closed loop: clients that ask again as soon as they are answered. */
export type Load = { readonly perSecond: number } | { readonly clients: number };

export interface SimulationResult {
  /** Requests sent to each server. */
  readonly requests: readonly number[];
  readonly failures: number;
  /** Quantile of the response times of all requests, milliseconds. */
  readonly quantileMs: (q: number) => number;
}

interface Completion {
  readonly atMs: number;
  readonly server: number;
  readonly sentMs: number;
  readonly failed: boolean;
}

/** Server i is in slot i of `fleet`. Latencies are lognormal (sigma 0.7). Runs `n` requests. */
export function simulate(
  strategy: Strategy,
  fleet: TestFleet,
  servers: readonly SimulatedServer[],
  load: Load,
  n: number,
  seed: number,
): SimulationResult {
  const random = seededRandom(seed);
  const candidates = Int32Array.from(servers.keys());
  const freeAtMs = servers.map(({ places }) => new Array<number>(places).fill(0));
  const pending: Completion[] = []; // a binary heap by atMs
  const requests = servers.map(() => 0);
  const latencies: number[] = [];
  let failures = 0;

  function send(nowMs: number): void {
    const server = strategy.pick(candidates, candidates.length, random.nextUint32(), nowMs);
    fleet.inFlight[server]++;
    requests[server]++;
    const places = freeAtMs[server];
    const place = places.indexOf(Math.min(...places));
    const startMs = Math.max(nowMs, places[place]);
    const failed = random.next() < (servers[server].failureShare ?? 0);
    const serviceMs = failed ? 1 : servers[server].meanMs(startMs) * lognormal(random.next);
    places[place] = startMs + serviceMs;
    push(pending, { atMs: places[place], server, sentMs: nowMs, failed });
  }

  function complete({ atMs, server, sentMs, failed }: Completion): void {
    fleet.inFlight[server]--;
    latencies.push(atMs - sentMs);
    if (failed) failures++;
    strategy.onOutcome?.(server, atMs - sentMs, failed, atMs);
  }

  if ("clients" in load) {
    for (let client = 0; client < load.clients; client++) send(0);
    for (let sent = load.clients; sent < n; sent++) {
      const next = pop(pending);
      complete(next);
      send(next.atMs);
    }
  } else {
    let nowMs = 0;
    for (let sent = 0; sent < n; sent++) {
      nowMs += (-Math.log(1 - random.next()) * 1000) / load.perSecond;
      while (pending.length > 0 && pending[0].atMs <= nowMs) complete(pop(pending));
      send(nowMs);
    }
  }
  while (pending.length > 0) complete(pop(pending));

  latencies.sort((a, b) => a - b);
  return { requests, failures, quantileMs: (q) => latencies[Math.floor(q * (latencies.length - 1))] };
}

/** Of mean 1. */
function lognormal(random: () => number): number {
  const sigma = 0.7;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(sigma * normal - (sigma * sigma) / 2);
}

function push(heap: Completion[], item: Completion): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent].atMs <= item.atMs) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Completion[]): Completion {
  const top = heap[0];
  const item = heap.pop() as Completion;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && heap[child + 1].atMs < heap[child].atMs) child++;
    if (heap[child].atMs >= item.atMs) break;
    heap[at] = heap[child];
    at = child;
  }
  if (heap.length > 0) heap[at] = item;
  return top;
}
