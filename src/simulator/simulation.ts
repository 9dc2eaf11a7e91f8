/** One run: a scenario, a policy, a seed. */

import { FAILURE_LATENCY_MS } from "../balancing/estimators/latency-estimator.ts";
import { anyRoom, type LearnedLimits, withRoom } from "../balancing/holding/room.ts";
import { seededRandom } from "../balancing/random.ts";
import { CONTROL_LOOK_MS } from "../health/control-loop.ts";
import { ArrivalProcess } from "./arrivals.ts";
import { type Balancer, refresh, tellOfStandstill } from "./balancer.ts";
import { RequestKinds } from "./classes/request-kinds.ts";
import { CLASSES_TICK_MS, type SimulatedClasses } from "./classes/simulated-classes.ts";
import type { ControlPlane } from "./control-plane.ts";
import { createBalancers } from "./create-balancers.ts";
import { DisturbanceSchedule } from "./disturbance-schedule.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import { FrozenBalancers } from "./frozen-balancers.ts";
import type { HeldQueue } from "./holding/held-queue.ts";
import { HOLDING_TICK_MS } from "./holding/holding.ts";
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
  /** From its arrival, milliseconds: the time for which it was held is part of it. */
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
  /** Requests that were held before they were sent. */
  readonly held: number;
  /** Of those, the ones that were sent to a full server because they had waited for too long. */
  readonly overdue: number;
  /** Simulated time from the first arrival to the last response, milliseconds. */
  readonly simulatedMs: number;
}

/** A refused connection and an error of a server that is broken are as quick as this, milliseconds. */
const FAST_FAILURE_MS = 1;

const Fate = { SERVED: 0, UNANSWERED: 1, ERROR: 2 } as const;

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
  readonly #queues: readonly HeldQueue[];
  readonly #id: Int32Array;
  readonly #networkMs: number;
  /** Requests that end at a known time whatever their server does. */
  readonly #timed = new TimerHeap();
  /** Requests that are on their way to a server. */
  readonly #underWayTo = new TimerHeap();
  readonly #draw: () => number;
  readonly #drawWork: () => number;
  readonly #kinds: RequestKinds;
  readonly #isDown: (server: number) => boolean;
  readonly #isFrozen = (balancer: number): boolean => this.#frozen.isFrozen(balancer);
  readonly #exchange: Exchange | undefined;
  /** In flight over all balancers. */
  readonly #total: Int32Array;
  #nowMs = 0;
  #arrived = 0;
  #underWay = 0;
  #work = 0;
  #measured = 0;
  #failed = 0;
  #held = 0;
  #overdue = 0;
  /** The servers that may get the next request, when not all may; those of them that have room. */
  readonly #answering: Int32Array;
  readonly #roomy: Int32Array;
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
    this.#kinds = new RequestKinds(scenario.kinds, options.seed);
    this.#isDown = (server) => this.#farm.isDown(server);
    this.#total = new Int32Array(n);
    this.#id = Int32Array.from(servers, (_, i) => i + 1);
    this.#networkMs = scenario.networkMs ?? 0;
    this.#answering = new Int32Array(n);
    this.#roomy = new Int32Array(n);
    this.#latenciesMs = new Float64Array(options.requests);
    this.#sent = new Float64Array(n);
    this.#failedBy = new Float64Array(n);
    const sight = { farm: this.#farm, work: () => this.#work };
    const world = { requests: this.#requests, id: this.#id, total: this.#total, sight, seed: options.seed };
    this.#balancers = createBalancers(scenario, policy, world, seeds);
    this.#exchange = createExchange(this.#balancers, () => seededRandom(seeds()).next);
    this.#frozen = new FrozenBalancers(scenario.balancers, (at, sinceMs) =>
      tellOfStandstill(this.#balancers[at], sinceMs, this.#nowMs),
    );
    this.#controls = [...new Set(this.#balancers.map(({ control }) => control))];
    this.#queues = [...new Set(this.#balancers.flatMap(({ queue }) => (queue === undefined ? [] : [queue])))];
  }

  run(): RunResult {
    const { requests } = this.#options;
    const { sharing } = this.#scenario;
    const shareEveryMs = typeof sharing === "number" ? sharing : Number.POSITIVE_INFINITY;
    let lookMs = 0;
    let shareMs = shareEveryMs;
    const hasClasses = this.#balancers.some(({ classes }) => classes !== undefined);
    let classesMs = hasClasses ? 0 : Number.POSITIVE_INFINITY;
    let limitsMs = this.#queues.length > 0 ? 0 : Number.POSITIVE_INFINITY;
    while (this.#arrived < requests || this.#underWay > 0) {
      const doneMs = this.#farm.nextMs;
      const timedMs = this.#timed.topKey;
      const arrivalMs = this.#arrived < requests ? this.#arrivals.nextMs : Number.POSITIVE_INFINITY;
      const changeMs = this.#schedule.nextMs;
      const reachMs = this.#underWayTo.topKey;
      const overdueMs = this.#overdueMs();
      const roundMs = this.#exchange?.nextMs ?? Number.POSITIVE_INFINITY;
      const regularMs = Math.min(lookMs, shareMs, roundMs, limitsMs, classesMs);
      const nowMs = Math.min(doneMs, timedMs, arrivalMs, changeMs, reachMs, overdueMs, regularMs);
      this.#nowMs = nowMs;
      if (nowMs === doneMs) this.#respond(this.#farm.finish());
      else if (nowMs === timedMs) this.#tellEnd(this.#timed.pop());
      else if (nowMs === reachMs) this.#reach(this.#underWayTo.pop());
      else if (nowMs === arrivalMs) {
        if (this.#arrivals.advance()) this.#arrive();
      } else if (nowMs === changeMs) this.#schedule.advance(this.#apply);
      else if (nowMs === lookMs) {
        if (this.#standstills === 0) for (const control of this.#controls) control.look(nowMs, this.#isDown);
        for (const queue of this.#queues) this.#serve(queue);
        lookMs += CONTROL_LOOK_MS;
      } else if (nowMs === roundMs) this.#exchange!.round(this.#isFrozen);
      else if (nowMs === overdueMs) this.#sendOverdue();
      else if (nowMs === limitsMs) {
        this.#tickLimits();
        limitsMs += HOLDING_TICK_MS;
      } else if (nowMs === classesMs) {
        this.#tickClasses();
        classesMs += CLASSES_TICK_MS;
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
      held: this.#held,
      overdue: this.#overdue,
      simulatedMs: this.#nowMs,
    };
  }

  /** A request arrives: its draws are the same whatever becomes of it. */
  #arrive(): void {
    this.#arrived++;
    const nowMs = this.#nowMs;
    const luck = this.#draw();
    const key = (this.#draw() * 0x1_0000_0000) >>> 0;
    const at = (this.#draw() * this.#balancers.length) | 0;
    const kind = this.#kinds.draw();
    const work = this.#drawWork() * this.#scenario.meanMs * this.#kinds.work(kind);
    if (!this.#frozen.isFrozen(at)) {
      this.#take(at, nowMs, kind, work, luck, key);
      return;
    }
    this.#underWay++;
    this.#frozen.defer(at, () => {
      this.#underWay--;
      this.#take(at, nowMs, kind, work, luck, key);
    });
  }

  /** The balancer `at` takes a request that arrived at `arrivedMs`. */
  #take(at: number, arrivedMs: number, kind: number, work: number, luck: number, key: number): void {
    const nowMs = this.#nowMs;
    const balancer = this.#balancers[at];
    refresh(balancer);
    if (balancer.count === 0) {
      this.#record(-1, nowMs - arrivedMs, true, arrivedMs, -1);
      return;
    }
    const requests = this.#requests;
    const request = requests.take();
    requests.arrivedMs[request] = arrivedMs;
    requests.work[request] = work;
    requests.kind[request] = kind;
    requests.luck[request] = luck;
    requests.key[request] = key;
    requests.balancer[request] = at;
    this.#underWay++;
    const { queue } = balancer;
    const waits = queue !== undefined && queue.length > 0;
    if (!waits && this.#hasRoom(balancer)) {
      this.#place(request, undefined);
      return;
    }
    this.#held++;
    queue!.push(request);
  }

  /** Whether a newcomer need not be held. */
  #hasRoom(balancer: Balancer): boolean {
    const { queue, candidates, count } = balancer;
    return queue === undefined || !queue.holding.on || anyRoom(queue.holding.limits, balancer, candidates, count);
  }

  /**
   * Chooses a server and sends the request there.
   * @param limits only to one that has room; left out = to any.
   * @returns false = all servers that may get it are full.
   */
  #place(request: number, limits: LearnedLimits | undefined): boolean {
    const nowMs = this.#nowMs;
    const requests = this.#requests;
    const balancer = this.#balancers[requests.balancer[request]];
    const { strategy, control, candidates, count, inFlight, classes } = balancer;
    // Asked first: to look at failing servers may be the one trial that they get.
    if (limits !== undefined && !anyRoom(limits, balancer, candidates, count)) return false;
    const answering = control.answering(candidates, count, this.#answering, nowMs);
    let open = answering > 0 ? this.#answering : candidates;
    let some = answering > 0 ? answering : count;
    if (limits !== undefined) {
      some = withRoom(limits, balancer, open, some, this.#roomy);
      open = this.#roomy;
      if (some === 0) return false;
    }
    this.#work = requests.work[request];
    const requestClass = classes?.classOf(requests.kind[request]);
    const server = strategy.pick(open, some, requests.key[request], nowMs, requestClass);
    requests.server[request] = server;
    requests.serverId[request] = this.#id[server];
    requests.sentMs[request] = nowMs;
    classes?.take(request, inFlight[server]);
    requests.inFlightAtDispatch[request] = inFlight[server]++;
    if (inFlight !== this.#total) this.#total[server]++;
    if (this.#networkMs > 0) this.#underWayTo.push(nowMs + this.#networkMs, request);
    else this.#reach(request);
    return true;
  }

  /** Serves those who wait, from the first on, while there is room. */
  #serve(queue: HeldQueue): void {
    const { limits, on } = queue.holding;
    while (queue.length > 0) {
      const request = queue.shift();
      if (this.#setAside(request, queue)) continue;
      const balancer = this.#balancers[this.#requests.balancer[request]];
      refresh(balancer);
      if (balancer.count === 0) this.#giveUp(request);
      else if (!this.#place(request, on ? limits : undefined)) {
        queue.unshift(request);
        return;
      }
    }
  }

  /** A request whose balancer stands still cannot be sent now: it waits for that instead. */
  #setAside(request: number, queue: HeldQueue): boolean {
    const at = this.#requests.balancer[request];
    if (!this.#frozen.isFrozen(at)) return false;
    this.#frozen.defer(at, () => {
      queue.push(request);
      this.#serve(queue);
    });
    return true;
  }

  /** When the first one that is held has waited for too long. */
  #overdueMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) if (queue.length > 0) earliest = Math.min(earliest, queue.overdueMs);
    // What is known of the fleet's pace may have changed since.
    return Math.max(earliest, this.#nowMs);
  }

  #sendOverdue(): void {
    for (const queue of this.#queues) {
      while (queue.length > 0 && queue.overdueMs <= this.#nowMs) {
        const request = queue.shift();
        if (this.#setAside(request, queue)) continue;
        this.#overdue++;
        const balancer = this.#balancers[this.#requests.balancer[request]];
        refresh(balancer);
        if (balancer.count > 0) this.#place(request, undefined);
        else this.#giveUp(request);
      }
    }
  }

  #tickLimits(): void {
    const told = new Set<HeldQueue>();
    for (const balancer of this.#balancers) {
      const { queue, candidates } = balancer;
      if (queue === undefined || told.has(queue)) continue;
      told.add(queue);
      refresh(balancer);
      const held = { length: queue.length, waitedMs: queue.waitedMs(this.#nowMs) };
      queue.holding.tick(candidates, balancer.count, held, this.#nowMs);
      this.#serve(queue);
    }
  }

  #tickClasses(): void {
    const told = new Set<SimulatedClasses>();
    for (const balancer of this.#balancers) {
      const { classes, candidates } = balancer;
      if (classes === undefined || told.has(classes)) continue;
      told.add(classes);
      refresh(balancer);
      classes.tick(candidates, balancer.count, this.#nowMs);
    }
  }

  /** There is no server left to send it to. */
  #giveUp(request: number): void {
    const arrivedMs = this.#requests.arrivedMs[request];
    this.#requests.give(request);
    this.#underWay--;
    this.#record(-1, this.#nowMs - arrivedMs, true, arrivedMs, -1);
  }

  /** A request is at its server. */
  #reach(request: number): void {
    const farm = this.#farm;
    const { fate: fates, server: servers, luck } = this.#requests;
    const server = servers[request];
    const errors = farm.errorShare(server);
    const backMs = this.#nowMs + this.#networkMs;
    if (farm.isDown(server)) {
      fates[request] = Fate.UNANSWERED;
      this.#timed.push(backMs + FAST_FAILURE_MS, request);
    } else if (luck[request] < errors) {
      fates[request] = Fate.ERROR;
      this.#timed.push(backMs + FAST_FAILURE_MS, request);
    } else if (luck[request] < errors + farm.hangShare(server)) {
      fates[request] = Fate.UNANSWERED;
      this.#timed.push(backMs + this.#scenario.timeoutMs, request);
    } else {
      fates[request] = Fate.SERVED;
      farm.accept(server, request, this.#nowMs);
    }
  }

  /** A server is done with a request. */
  #respond(request: number): void {
    if (this.#networkMs > 0) this.#timed.push(this.#nowMs + this.#networkMs, request);
    else this.#tellEnd(request);
  }

  /** A request has ended: its balancer hears of it when it goes on. */
  #tellEnd(request: number): void {
    const at = this.#requests.balancer[request];
    if (this.#frozen.isFrozen(at)) this.#frozen.defer(at, () => this.#end(request));
    else this.#end(request);
  }

  #end(request: number): void {
    const requests = this.#requests;
    const nowMs = this.#nowMs;
    const server = requests.server[request];
    const { inFlight, control, strategy, standstills, queue, classes } = this.#balancers[requests.balancer[request]];
    const arrivedMs = requests.arrivedMs[request];
    const inFlightAtDispatch = requests.inFlightAtDispatch[request];
    const fate = requests.fate[request];
    const failed = fate !== Fate.SERVED;
    // What a request waited for at the balancer says nothing of the server.
    const sentMs = requests.sentMs[request];
    const latencyMs = nowMs - sentMs;
    inFlight[server]--;
    if (inFlight !== this.#total) this.#total[server]--;
    classes?.give(request);
    control.onOutcome(server, latencyMs, failed, fate !== Fate.UNANSWERED);
    this.#exchange?.onResponse(requests.balancer[request], latencyMs);
    if (requests.serverId[request] === this.#id[server]) {
      const serverMs = latencyMs - standstills.lostSince(sentMs);
      const { ownWork, othersWork } = requests;
      const [own, others] = [ownWork[request], othersWork[request]];
      strategy.onOutcome?.(server, serverMs, failed, nowMs, inFlightAtDispatch, own, others);
      classes?.onOutcome(request, serverMs, failed, nowMs);
      const heldMs = sentMs - arrivedMs;
      queue?.holding.onOutcome({
        server,
        latencyMs: classes === undefined ? serverMs : classes.typicalMs(request, serverMs),
        heldMs,
        failed,
        inFlight: inFlightAtDispatch,
        nowMs,
      });
    }
    requests.give(request);
    this.#underWay--;
    this.#record(server, nowMs - arrivedMs, failed, arrivedMs, inFlightAtDispatch);
    if (queue !== undefined) this.#serve(queue);
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
    else if (effect.kind === "absent") this.#setAbsent(server, on);
    for (const queue of this.#queues) this.#serve(queue);
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

  #setAbsent(server: number, absent: boolean): void {
    if (!absent) this.#id[server] += this.#id.length;
    for (const control of this.#controls) control.setAbsent(server, absent, this.#nowMs);
  }

  #crash(server: number): void {
    for (let request = this.#farm.evict(server, this.#nowMs); request >= 0; ) {
      this.#requests.fate[request] = Fate.UNANSWERED;
      this.#tellEnd(request);
      request = this.#farm.evict(server, this.#nowMs);
    }
  }
}
