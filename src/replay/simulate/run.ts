/** One run of a replay: a fitted fleet, the requests as they came, and a policy that places them. */
import { FAILURE_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import { hashString } from "../../balancing/hash.ts";
import { seededRandom } from "../../balancing/random.ts";
import type { FleetView, Strategy } from "../../balancing/strategy.ts";
import { CONTROL_LOOK_MS } from "../../health/control-loop.ts";
import { ControlPlane, defaultControlOptions } from "../../simulator/control-plane.ts";
import type { Policy } from "../../simulator/policy.ts";
import { RequestTable } from "../../simulator/request-table.ts";
import { ServerFarm } from "../../simulator/server-farm.ts";
import { TimerHeap } from "../../simulator/timer-heap.ts";
import type { FittedFleet, FittedTraffic } from "../fleet.ts";
import { type Change, changesOf } from "./changes.ts";

/** What came of a run, by request of the traffic. */
export interface RunOutcome {
  /** A failure counts as at least `FAILURE_LATENCY_MS`. */
  readonly latencyMs: Float64Array;
  readonly failed: Uint8Array;
  /** -1 = nobody was to be asked. */
  readonly server: Int16Array;
}

/** A failure whose latency nobody has seen, milliseconds. */
const FAST_FAILURE_MS = 1;
/** What `ServerFarm` takes for a server without a limit. */
const MANY_WORKERS = 1 << 20;

/**
 * Runs `traffic` over the fleet. The same arguments give the same outcome, and what arrives, its work, and what goes wrong
 * with servers when, is the same for every policy.
 * @param policy `null` = every request goes where it went.
 */
export function runReplay(fleet: FittedFleet, traffic: FittedTraffic, policy: Policy | null, seed: number): RunOutcome {
  return new Run(fleet, traffic, policy, seed).run();
}

class Run {
  readonly #traffic: FittedTraffic;
  readonly #requests = new RequestTable();
  readonly #farm: ServerFarm;
  readonly #changes: readonly Change[];
  readonly #control: ControlPlane;
  readonly #strategy: Strategy | null;
  readonly #inFlight: Int32Array;
  readonly #candidates: Int32Array;
  readonly #answering: Int32Array;
  readonly #present: Int32Array;
  /** Reasons for which a server is away now. */
  readonly #away: Int32Array;
  readonly #paused: Uint8Array;
  readonly #speed: Float64Array;
  readonly #failShare: Float64Array;
  readonly #failLatencies: (readonly number[])[];
  readonly #failing = new TimerHeap();
  /** Requests that have arrived and are not sent yet, by their number in the traffic. */
  readonly #delayed = new TimerHeap();
  readonly #draw: () => number;
  /** By number in the table of requests: which of the traffic it is. */
  readonly #index: number[] = [];
  readonly #outcome: RunOutcome;
  #count = 0;
  #seenVersion = -1;
  #underWay = 0;
  #work = 0;
  #nowMs = 0;

  constructor(fleet: FittedFleet, traffic: FittedTraffic, policy: Policy | null, seed: number) {
    const n = fleet.servers.length;
    const seeds = seededRandom(seed).nextUint32;
    this.#traffic = traffic;
    const specs = fleet.servers.map(({ workers, discipline }) => ({
      workers: Math.min(workers, MANY_WORKERS),
      speed: 1,
      discipline,
    }));
    this.#farm = new ServerFarm(specs, this.#requests);
    this.#changes = changesOf(fleet.servers, fleet.durationMs);
    this.#draw = seededRandom(seeds()).next;
    const options = defaultControlOptions();
    const ejection = policy?.ejection ?? false;
    const weight = Float64Array.from(fleet.servers, (server) => server.weight);
    this.#control = new ControlPlane(
      weight,
      { ...options, probes: false, outlier: { ...options.outlier, enabled: ejection } },
      seededRandom(seeds()).next,
    );
    this.#inFlight = new Int32Array(n);
    this.#candidates = new Int32Array(n);
    this.#answering = new Int32Array(n);
    this.#present = new Int32Array(n);
    this.#away = new Int32Array(n);
    this.#paused = new Uint8Array(n);
    this.#speed = new Float64Array(n).fill(1);
    this.#failShare = new Float64Array(n);
    this.#failLatencies = fleet.servers.map(() => []);
    const view: FleetView = {
      inFlight: this.#inFlight,
      effectiveWeight: this.#control.effectiveWeight,
      weight,
      id: Int32Array.from({ length: n }, (_, i) => i + 1),
      identityHash: Uint32Array.from(fleet.servers, ({ name }) => hashString(name)),
      // A response comes in one piece here.
      together: { sinceMs: new Float64Array(n), transferring: new Int32Array(n), clockOffsetMs: 0 },
    };
    const sight = { farm: this.#farm, work: () => this.#work };
    this.#strategy = policy?.create({ fleet: view, random: seededRandom(seeds()).next }, sight) ?? null;
    const length = traffic.atMs.length;
    this.#outcome = {
      latencyMs: new Float64Array(length),
      failed: new Uint8Array(length),
      server: new Int16Array(length),
    };
  }

  run(): RunOutcome {
    const { atMs, delayMs } = this.#traffic;
    let arrived = 0;
    let changed = 0;
    let lookMs = 0;
    while (arrived < atMs.length || this.#underWay > 0 || this.#delayed.size > 0) {
      const doneMs = this.#farm.nextMs;
      const failedMs = this.#failing.topKey;
      const arrivalMs = arrived < atMs.length ? atMs[arrived] : Number.POSITIVE_INFINITY;
      const changeMs = changed < this.#changes.length ? this.#changes[changed].atMs : Number.POSITIVE_INFINITY;
      const delayedMs = this.#delayed.topKey;
      const nowMs = Math.min(doneMs, failedMs, arrivalMs, delayedMs, changeMs, lookMs);
      this.#nowMs = nowMs;
      if (nowMs === doneMs) this.#end(this.#farm.finish(), false);
      else if (nowMs === failedMs) this.#end(this.#failing.pop(), true);
      else if (nowMs === changeMs) this.#apply(this.#changes[changed++]);
      else if (nowMs === delayedMs) this.#send(this.#delayed.pop());
      else if (nowMs === arrivalMs) {
        if (delayMs[arrived] > 0) this.#delayed.push(nowMs + delayMs[arrived], arrived);
        else this.#send(arrived);
        arrived++;
      } else {
        this.#control.look(nowMs, isNeverDown);
        lookMs += CONTROL_LOOK_MS;
      }
    }
    return this.#outcome;
  }

  /** A request is placed: its draws are the same whatever becomes of it. */
  #send(index: number): void {
    const fate = this.#draw();
    const which = this.#draw();
    const key = (this.#draw() * 0x1_0000_0000) >>> 0;
    this.#work = this.#traffic.work[index];
    const server = this.#place(index, key);
    this.#outcome.server[index] = server;
    if (server < 0) {
      this.#record(index, 0, true);
      return;
    }
    const requests = this.#requests;
    const request = requests.take();
    this.#index[request] = index;
    requests.arrivedMs[request] = this.#nowMs;
    requests.work[request] = this.#work;
    requests.server[request] = server;
    requests.inFlightAtDispatch[request] = this.#inFlight[server]++;
    this.#underWay++;
    if (fate < this.#failShare[server]) {
      const latencies = this.#failLatencies[server];
      const latencyMs = latencies.length > 0 ? latencies[Math.floor(which * latencies.length)] : FAST_FAILURE_MS;
      this.#failing.push(this.#nowMs + latencyMs, request);
    } else this.#farm.accept(server, request, this.#nowMs);
  }

  #place(index: number, key: number): number {
    const strategy = this.#strategy;
    if (strategy === null) return this.#traffic.server[index];
    if (this.#seenVersion !== this.#control.version) this.#refresh(strategy);
    if (this.#count === 0) return -1;
    const nowMs = this.#nowMs;
    const answering = this.#control.answering(this.#candidates, this.#count, this.#answering, nowMs);
    if (answering > 0) return strategy.pick(this.#answering, answering, key, nowMs);
    return strategy.pick(this.#candidates, this.#count, key, nowMs);
  }

  #refresh(strategy: Strategy): void {
    this.#seenVersion = this.#control.version;
    const eligible = this.#control.eligible(this.#present);
    let count = 0;
    for (let i = 0; i < eligible; i++) {
      if (this.#away[this.#present[i]] === 0) this.#candidates[count++] = this.#present[i];
    }
    this.#count = count;
    if (count > 0) strategy.onCandidates?.(this.#candidates, count);
  }

  #end(request: number, failed: boolean): void {
    const requests = this.#requests;
    const server = requests.server[request];
    const latencyMs = this.#nowMs - requests.arrivedMs[request];
    const index = this.#index[request];
    this.#inFlight[server]--;
    this.#control.onOutcome(server, latencyMs, failed, true);
    this.#strategy?.onOutcome?.(server, latencyMs, failed, this.#nowMs, requests.inFlightAtDispatch[request]);
    requests.give(request);
    this.#underWay--;
    this.#record(index, this.#traffic.delayMs[index] + latencyMs, failed);
  }

  #record(index: number, latencyMs: number, failed: boolean): void {
    this.#outcome.latencyMs[index] = failed ? Math.max(latencyMs, FAILURE_LATENCY_MS) : latencyMs;
    if (failed) this.#outcome.failed[index] = 1;
  }

  #apply({ server, speed, failure, away }: Change): void {
    if (speed !== null) this.#changeSpeed(server, speed);
    if (failure !== null) {
      this.#failShare[server] = failure.share;
      this.#failLatencies[server] = failure.latenciesMs;
    }
    if (away !== 0) {
      this.#away[server] += away;
      if (this.#away[server] === 0) this.#control.forgive(server, this.#nowMs);
      this.#seenVersion = -1;
    }
  }

  #changeSpeed(server: number, speed: number): void {
    const nowMs = this.#nowMs;
    const pausing = speed === 0 ? 1 : 0;
    if (pausing !== this.#paused[server]) {
      this.#paused[server] = pausing;
      this.#farm.pause(server, pausing === 1 ? 1 : -1, nowMs);
    }
    if (speed === 0 || speed === this.#speed[server]) return;
    this.#farm.slow(server, this.#speed[server] / speed, nowMs);
    this.#speed[server] = speed;
  }
}

function isNeverDown(): boolean {
  return false;
}
