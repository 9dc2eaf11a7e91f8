/** One run: a scenario, a policy, a seed. */

import { FAILURE_LATENCY_MS } from "../balancing/estimators/latency-estimator.ts";
import { hashString } from "../balancing/hash.ts";
import { seededRandom } from "../balancing/random.ts";
import { Standstills } from "../balancing/standstills.ts";
import type { FleetView, Strategy } from "../balancing/strategy.ts";
import { CONTROL_LOOK_MS } from "../health/control-loop.ts";
import { ArrivalProcess } from "./arrivals.ts";
import { ControlPlane, defaultControlOptions } from "./control-plane.ts";
import { DisturbanceSchedule } from "./disturbance-schedule.ts";
import { FrozenBalancers } from "./frozen-balancers.ts";
import type { Policy } from "./policy.ts";
import { RequestTable } from "./request-table.ts";
import { capacityPerMs, type Effect, type Scenario } from "./scenario.ts";
import { ServerFarm } from "./server-farm.ts";
import { serviceSampler } from "./service-times.ts";
import { TimerHeap } from "./timer-heap.ts";

/** How much is run, and with which numbers drawn. */
export interface RunOptions {
  readonly requests: number;
  readonly seed: number;
  /** What arrives before this is served but not measured, milliseconds. */
  readonly warmUpMs: number;
  /** Told of every request when it has ended, those of the warm-up too. */
  readonly onRequest?: (ended: EndedRequest) => void;
}

/** What a balancer sees of a request. */
export interface EndedRequest {
  readonly arrivedMs: number;
  /** -1 = none was to be asked. */
  readonly server: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  /** At its server when it was sent there, without it; -1 = it was not. */
  readonly inFlight: number;
}

/** What came of the measured requests. */
export interface RunResult {
  readonly requests: number;
  readonly failed: number;
  /** Response times in rising order, milliseconds; a failure counts as at least `FAILURE_LATENCY_MS`. */
  readonly latenciesMs: Float64Array;
  /** Requests sent to each server. */
  readonly sent: Float64Array;
  /** Of those, the failed ones. */
  readonly failedBy: Float64Array;
  /** Servers ejected, over all instances. */
  readonly ejections: number;
  /** Simulated time from the first arrival to the last response, milliseconds. */
  readonly simulatedMs: number;
}

/** A refused connection and an error of a server that is broken are as quick as this, milliseconds. */
const FAST_FAILURE_MS = 1;

/** A standstill of its own that is shorter is none that a balancer notices, milliseconds. */
const NOTICED_MS = 40;

const Fate = { SERVED: 0, UNANSWERED: 1, ERROR: 2 } as const;

/** One balancer: its strategy, and the fleet as it sees it. */
interface Balancer {
  readonly strategy: Strategy;
  readonly control: ControlPlane;
  readonly inFlight: Int32Array;
  readonly candidates: Int32Array;
  readonly standstills: Standstills;
  count: number;
  seenVersion: number;
}

/**
 * Runs `options.requests` requests and waits for all their responses. The same arguments give the same result, and what
 * arrives and goes wrong is the same for every policy (common random numbers), so policies can be compared pairwise.
 */
export function runSimulation(scenario: Scenario, policy: Policy, options: RunOptions): RunResult {
  return new Simulation(scenario, policy, options).run();
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #options: RunOptions;
  readonly #requests = new RequestTable();
  readonly #farm: ServerFarm;
  readonly #arrivals: ArrivalProcess;
  readonly #schedule: DisturbanceSchedule;
  readonly #balancers: readonly Balancer[];
  readonly #controls: readonly ControlPlane[];
  readonly #frozen: FrozenBalancers;
  /** For how many reasons the whole machine stands still. */
  #standstills = 0;
  /** Requests that end at a known time whatever their server does. */
  readonly #timed = new TimerHeap();
  readonly #draw: () => number;
  readonly #drawWork: () => number;
  readonly #isDown: (server: number) => boolean;
  /** In flight over all balancers. */
  readonly #total: Int32Array;
  #nowMs = 0;
  #arrived = 0;
  #underWay = 0;
  #work = 0;
  #measured = 0;
  #failed = 0;
  /** The servers that may get the next request, when not all may. */
  readonly #answering: Int32Array;
  readonly #latenciesMs: Float64Array;
  readonly #sent: Float64Array;
  readonly #failedBy: Float64Array;

  constructor(scenario: Scenario, policy: Policy, options: RunOptions) {
    const { servers, arrivals, load, service } = scenario;
    const n = servers.length;
    // One stream for each purpose: what a policy draws does not move what arrives.
    const seeds = seededRandom(options.seed).nextUint32;
    this.#scenario = scenario;
    this.#options = options;
    this.#farm = new ServerFarm(servers, this.#requests);
    this.#arrivals = new ArrivalProcess(arrivals, load * capacityPerMs(scenario), seededRandom(seeds()).next);
    this.#draw = seededRandom(seeds()).next;
    this.#drawWork = serviceSampler(service, seededRandom(seeds()).next);
    this.#schedule = new DisturbanceSchedule(scenario.disturbances, seeds);
    this.#isDown = (server) => this.#farm.isDown(server);
    this.#total = new Int32Array(n);
    this.#answering = new Int32Array(n);
    this.#latenciesMs = new Float64Array(options.requests);
    this.#sent = new Float64Array(n);
    this.#failedBy = new Float64Array(n);
    this.#balancers = this.#createBalancers(policy, seeds);
    this.#frozen = new FrozenBalancers(scenario.balancers, (at, sinceMs) => this.#thaw(at, sinceMs));
    this.#controls = [...new Set(this.#balancers.map(({ control }) => control))];
  }

  run(): RunResult {
    const { requests } = this.#options;
    const { sharing } = this.#scenario;
    const shareEveryMs = typeof sharing === "number" ? sharing : Number.POSITIVE_INFINITY;
    let lookMs = 0;
    let shareMs = shareEveryMs;
    while (this.#arrived < requests || this.#underWay > 0) {
      const doneMs = this.#farm.nextMs;
      const timedMs = this.#timed.topKey;
      const arrivalMs = this.#arrived < requests ? this.#arrivals.nextMs : Number.POSITIVE_INFINITY;
      const changeMs = this.#schedule.nextMs;
      const nowMs = Math.min(doneMs, timedMs, arrivalMs, changeMs, lookMs, shareMs);
      this.#nowMs = nowMs;
      if (nowMs === doneMs) this.#tellEnd(this.#farm.finish());
      else if (nowMs === timedMs) this.#tellEnd(this.#timed.pop());
      else if (nowMs === arrivalMs) {
        if (this.#arrivals.advance()) this.#arrive();
      } else if (nowMs === changeMs) this.#schedule.advance(this.#apply);
      else if (nowMs === lookMs) {
        if (this.#standstills === 0) for (const control of this.#controls) control.look(nowMs, this.#isDown);
        lookMs += CONTROL_LOOK_MS;
      } else {
        for (const { inFlight } of this.#balancers) inFlight.set(this.#total);
        shareMs += shareEveryMs;
      }
    }
    return {
      requests: this.#measured,
      failed: this.#failed,
      latenciesMs: this.#latenciesMs.subarray(0, this.#measured).sort(),
      sent: this.#sent,
      failedBy: this.#failedBy,
      ejections: this.#controls.reduce((sum, { ejections }) => sum + ejections, 0),
      simulatedMs: this.#nowMs,
    };
  }

  #createBalancers(policy: Policy, seeds: () => number): Balancer[] {
    const { servers, balancers, sharing } = this.#scenario;
    const n = servers.length;
    const control = defaultControlOptions();
    const options = { ...control, probes: policy.probes, outlier: { ...control.outlier, enabled: policy.ejection } };
    const weight = Float64Array.from(servers, ({ workers, speed }) => (policy.trueWeights ? workers * speed : 1));
    const id = Int32Array.from(servers, (_, i) => i + 1);
    const identityHash = Uint32Array.from(servers, (_, i) => hashString(`server ${i}`));
    const sight = { farm: this.#farm, work: () => this.#work };
    const heardMs = new Float64Array(n);
    const together = sharing === "live" ? new ControlPlane(weight, options, seededRandom(seeds()).next) : undefined;
    let mate: Strategy | undefined;
    return Array.from({ length: balancers }, () => {
      const plane = together ?? new ControlPlane(weight, options, seededRandom(seeds()).next);
      const inFlight = together ? this.#total : new Int32Array(n);
      // With one balancer, or apart from each other, everything in flight is the balancer's own.
      const isTold = typeof sharing === "number" && balancers > 1;
      const listening = { sinceMs: together ? heardMs : new Float64Array(n), clockOffsetMs: 0 };
      const fleet: FleetView = {
        inFlight,
        effectiveWeight: plane.effectiveWeight,
        weight,
        id,
        identityHash,
        together: isTold ? undefined : listening,
      };
      const strategy = policy.create({ fleet, random: seededRandom(seeds()).next }, sight, mate);
      if (together) mate = strategy;
      return {
        strategy,
        control: plane,
        inFlight,
        candidates: new Int32Array(n),
        standstills: new Standstills(),
        count: 0,
        seenVersion: -1,
      };
    });
  }

  /** A request arrives: its draws are the same whatever becomes of it. */
  #arrive(): void {
    this.#arrived++;
    const nowMs = this.#nowMs;
    const fate = this.#draw();
    const key = (this.#draw() * 0x1_0000_0000) >>> 0;
    const at = (this.#draw() * this.#balancers.length) | 0;
    const work = this.#drawWork() * this.#scenario.meanMs;
    if (!this.#frozen.isFrozen(at)) {
      this.#place(at, nowMs, work, fate, key);
      return;
    }
    this.#underWay++;
    this.#frozen.defer(at, () => {
      this.#underWay--;
      this.#place(at, nowMs, work, fate, key);
    });
  }

  /** The balancer `at` takes a request that arrived at `arrivedMs`, and sends it to a server. */
  #place(at: number, arrivedMs: number, work: number, fate: number, key: number): void {
    const nowMs = this.#nowMs;
    const balancer = this.#balancers[at];
    this.#work = work;
    if (balancer.seenVersion !== balancer.control.version) refresh(balancer);
    if (balancer.count === 0) {
      this.#record(-1, nowMs - arrivedMs, true, arrivedMs, -1);
      return;
    }
    const server = this.#pick(balancer, key);
    const requests = this.#requests;
    const request = requests.take();
    requests.arrivedMs[request] = arrivedMs;
    requests.sentMs[request] = nowMs;
    requests.work[request] = work;
    requests.server[request] = server;
    requests.balancer[request] = at;
    requests.inFlightAtDispatch[request] = balancer.inFlight[server]++;
    if (balancer.inFlight !== this.#total) this.#total[server]++;
    this.#underWay++;
    this.#send(server, request, fate);
  }

  #pick({ strategy, control, candidates, count }: Balancer, key: number): number {
    const nowMs = this.#nowMs;
    const answering = control.answering(candidates, count, this.#answering, nowMs);
    if (answering > 0) return strategy.pick(this.#answering, answering, key, nowMs);
    return strategy.pick(candidates, count, key, nowMs);
  }

  #send(server: number, request: number, fate: number): void {
    const farm = this.#farm;
    const { fate: fates } = this.#requests;
    const errors = farm.errorShare(server);
    if (farm.isDown(server)) {
      fates[request] = Fate.UNANSWERED;
      this.#timed.push(this.#nowMs + FAST_FAILURE_MS, request);
    } else if (fate < errors) {
      fates[request] = Fate.ERROR;
      this.#timed.push(this.#nowMs + FAST_FAILURE_MS, request);
    } else if (fate < errors + farm.hangShare(server)) {
      fates[request] = Fate.UNANSWERED;
      this.#timed.push(this.#nowMs + this.#scenario.timeoutMs, request);
    } else {
      fates[request] = Fate.SERVED;
      farm.accept(server, request, this.#nowMs);
    }
  }

  /** The server, or the clock, has ended a request: its balancer hears of it when it goes on. */
  #tellEnd(request: number): void {
    const at = this.#requests.balancer[request];
    if (this.#frozen.isFrozen(at)) this.#frozen.defer(at, () => this.#end(request));
    else this.#end(request);
  }

  #end(request: number): void {
    const requests = this.#requests;
    const nowMs = this.#nowMs;
    const server = requests.server[request];
    const balancer = this.#balancers[requests.balancer[request]];
    const arrivedMs = requests.arrivedMs[request];
    const fate = requests.fate[request];
    const failed = fate !== Fate.SERVED;
    const sentMs = requests.sentMs[request];
    const latencyMs = nowMs - sentMs;
    balancer.inFlight[server]--;
    if (balancer.inFlight !== this.#total) this.#total[server]--;
    balancer.control.onOutcome(server, latencyMs, failed, fate !== Fate.UNANSWERED);
    const serverMs = latencyMs - balancer.standstills.lostSince(sentMs);
    balancer.strategy.onOutcome?.(server, serverMs, failed, nowMs, requests.inFlightAtDispatch[request]);
    requests.give(request);
    this.#underWay--;
    this.#record(server, nowMs - arrivedMs, failed, arrivedMs, requests.inFlightAtDispatch[request]);
  }

  #record(server: number, latencyMs: number, failed: boolean, arrivedMs: number, inFlight: number): void {
    this.#options.onRequest?.({ arrivedMs, server, latencyMs, failed, inFlight });
    if (arrivedMs < this.#options.warmUpMs) return;
    this.#latenciesMs[this.#measured++] = failed ? Math.max(latencyMs, FAILURE_LATENCY_MS) : latencyMs;
    if (failed) this.#failed++;
    if (server < 0) return;
    this.#sent[server]++;
    if (failed) this.#failedBy[server]++;
  }

  readonly #apply = (effect: Effect, server: number, on: boolean): void => {
    const nowMs = this.#nowMs;
    this.#farm.apply(effect, server, on, nowMs);
    if (effect.kind === "surge") this.#arrivals.surge(on ? effect.factor : 1 / effect.factor, nowMs);
    else if (effect.kind === "freeze") this.#freeze(effect.of === "machine" ? null : server, on ? 1 : -1);
    else if (effect.kind === "down" && on) this.#crash(server);
  };

  /** @param at which balancer; null = the whole machine. */
  #freeze(at: number | null, by: 1 | -1): void {
    if (at !== null) {
      this.#frozen.freeze(at, by, this.#nowMs);
      return;
    }
    this.#standstills += by;
    for (let server = 0; server < this.#farm.count; server++) this.#farm.pause(server, by, this.#nowMs);
    for (let balancer = 0; balancer < this.#balancers.length; balancer++)
      this.#frozen.freeze(balancer, by, this.#nowMs);
  }

  #thaw(at: number, sinceMs: number): void {
    if (this.#nowMs - sinceMs < NOTICED_MS) return;
    const { standstills, strategy } = this.#balancers[at];
    standstills.add(sinceMs, this.#nowMs);
    strategy.onStandstill?.(sinceMs, this.#nowMs);
  }

  #crash(server: number): void {
    for (let request = this.#farm.evict(server, this.#nowMs); request >= 0; ) {
      this.#requests.fate[request] = Fate.UNANSWERED;
      this.#tellEnd(request);
      request = this.#farm.evict(server, this.#nowMs);
    }
  }
}

function refresh(balancer: Balancer): void {
  const { control, candidates, strategy } = balancer;
  balancer.seenVersion = control.version;
  balancer.count = control.eligible(candidates);
  if (balancer.count > 0) strategy.onCandidates?.(candidates, balancer.count);
}
