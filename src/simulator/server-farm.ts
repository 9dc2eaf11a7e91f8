import type { RequestTable } from "./request-table.ts";
import type { Effect, SimulatedServer } from "./scenario.ts";
import { NextEvents, TimerHeap } from "./timer-heap.ts";

/**
 * All simulated servers. A server keeps a clock of its own that counts the work which each request in service has
 * received (virtual time, as in fair queueing): a request that starts at clock V is done at V + its work, whatever the
 * speed does meanwhile, so a change of speed moves one event and not all. With processor sharing the clock also slows
 * down as requests outnumber workers.
 */
export class ServerFarm {
  readonly count: number;
  readonly #specs: readonly SimulatedServer[];
  readonly #workers: Int32Array;
  readonly #requests: RequestTable;
  /** Relative speed now; 0 while paused. */
  readonly #speed: Float64Array;
  readonly #slowness: Float64Array;
  readonly #pauses: Int32Array;
  readonly #downs: Int32Array;
  readonly #errorShare: Float64Array;
  readonly #hangShare: Float64Array;
  readonly #clock: Float64Array;
  readonly #clockReadMs: Float64Array;
  readonly #rate: Float64Array;
  /** Requests in service by the clock at which they are done. */
  readonly #service: readonly TimerHeap[];
  /** Sum of those clocks: gives the work left in service. */
  readonly #doneSum: Float64Array;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #queuedWork: Float64Array;
  readonly #next: NextEvents;

  constructor(specs: readonly SimulatedServer[], requests: RequestTable) {
    const n = specs.length;
    this.count = n;
    this.#specs = specs;
    this.#workers = Int32Array.from(specs, ({ workers }) => workers);
    this.#requests = requests;
    this.#speed = Float64Array.from(specs, ({ speed }) => speed);
    this.#slowness = new Float64Array(n).fill(1);
    this.#pauses = new Int32Array(n);
    this.#downs = new Int32Array(n);
    this.#errorShare = new Float64Array(n);
    this.#hangShare = new Float64Array(n);
    this.#clock = new Float64Array(n);
    this.#clockReadMs = new Float64Array(n);
    this.#rate = new Float64Array(n);
    this.#service = specs.map(() => new TimerHeap());
    this.#doneSum = new Float64Array(n);
    this.#head = new Int32Array(n).fill(-1);
    this.#tail = new Int32Array(n).fill(-1);
    this.#queuedWork = new Float64Array(n);
    this.#next = new NextEvents(n);
  }

  /** When the next request is done; `Infinity` = none under way. */
  get nextMs(): number {
    return this.#next.earliestMs;
  }

  /** Requests that it serves at full speed at the same time, now. */
  workers(server: number): number {
    return this.#workers[server];
  }

  isDown(server: number): boolean {
    return this.#downs[server] > 0;
  }

  /** Share of the requests that the server answers with an error now. */
  errorShare(server: number): number {
    return this.#errorShare[server];
  }

  /** Share of the requests that the server never answers now. */
  hangShare(server: number): number {
    return this.#hangShare[server];
  }

  /** Begins or queues a request of `requests.work` at its server. */
  accept(server: number, request: number, nowMs: number): void {
    if (this.#hasRoom(server)) {
      this.#start(server, request, nowMs);
      return;
    }
    this.#requests.next[request] = -1;
    if (this.#tail[server] < 0) this.#head[server] = request;
    else this.#requests.next[this.#tail[server]] = request;
    this.#tail[server] = request;
    this.#queuedWork[server] += this.#requests.work[request];
  }

  /** Ends the request that is done at `nextMs` and starts what waited for its place. Returns the request. */
  finish(): number {
    const server = this.#next.earliest;
    const nowMs = this.#next.earliestMs;
    this.#readClock(server, nowMs);
    const request = this.#endService(server);
    if (this.#head[server] >= 0 && this.#hasRoom(server)) this.#startFirst(server, nowMs);
    else this.#schedule(server, nowMs);
    return request;
  }

  /** Takes back everything that the server has, request by request; -1 = it has nothing more. */
  evict(server: number, nowMs: number): number {
    this.#readClock(server, nowMs);
    if (this.#service[server].size > 0) {
      const request = this.#endService(server);
      this.#schedule(server, nowMs);
      return request;
    }
    const waiting = this.#head[server];
    if (waiting >= 0) this.#unqueue(server);
    return waiting;
  }

  /** An effect on a server begins or ends. What `down` does to its requests, absence, freezes and surges are the caller's business. */
  apply(effect: Effect, server: number, on: boolean, nowMs: number): void {
    switch (effect.kind) {
      case "slow":
        this.slow(server, on ? effect.factor : 1 / effect.factor, nowMs);
        break;
      case "pause":
        this.pause(server, on ? 1 : -1, nowMs);
        break;
      case "errors":
        this.addErrors(server, on ? effect.share : -effect.share);
        break;
      case "hangs":
        this.addHangs(server, on ? effect.share : -effect.share);
        break;
      case "down":
        this.takeDown(server, on ? 1 : -1);
        break;
      case "resize":
        this.resize(server, on ? effect.workers : this.#specs[server].workers, nowMs);
        break;
      case "absent":
      case "freeze":
      case "surge":
        break;
    }
  }

  /** It has so many workers from now on. What is in service beyond them is finished. */
  resize(server: number, workers: number, nowMs: number): void {
    this.#readClock(server, nowMs);
    this.#workers[server] = workers;
    while (this.#head[server] >= 0 && this.#hasRoom(server)) this.#startFirst(server, nowMs);
    this.#schedule(server, nowMs);
  }

  /** Work takes `factor` times as long from now on; its inverse ends that. */
  slow(server: number, factor: number, nowMs: number): void {
    this.#slowness[server] *= factor;
    this.#changeSpeed(server, nowMs);
  }

  /** @param by 1 = one more reason to stand still, -1 = one less; likewise below. */
  pause(server: number, by: 1 | -1, nowMs: number): void {
    this.#pauses[server] += by;
    this.#changeSpeed(server, nowMs);
  }

  takeDown(server: number, by: 1 | -1): void {
    this.#downs[server] += by;
  }

  addErrors(server: number, share: number): void {
    this.#errorShare[server] = sumOfShares(this.#errorShare[server], share);
  }

  addHangs(server: number, share: number): void {
    this.#hangShare[server] = sumOfShares(this.#hangShare[server], share);
  }

  /**
   * When a request of `work` that is sent now will be done if nothing changes, milliseconds from now. Exact but for a
   * queue, where the work before it counts as spread evenly over the workers.
   */
  expectedMs(server: number, work: number, nowMs: number): number {
    const speed = this.#speed[server];
    if (speed === 0) return Number.POSITIVE_INFINITY;
    const { discipline } = this.#specs[server];
    const workers = this.#workers[server];
    const heap = this.#service[server];
    const busy = heap.size;
    if (busy < workers) return work / speed;
    if (discipline === "ps") return (work * (busy + 1)) / workers / speed;
    const clock = this.#clock[server] + (nowMs - this.#clockReadMs[server]) * this.#rate[server];
    if (this.#head[server] < 0) return (heap.topKey - clock + work) / speed;
    const left = this.#doneSum[server] - busy * clock + this.#queuedWork[server];
    return (left / workers + work) / speed;
  }

  #hasRoom(server: number): boolean {
    return this.#specs[server].discipline === "ps" || this.#service[server].size < this.#workers[server];
  }

  #startFirst(server: number, nowMs: number): void {
    const waiting = this.#head[server];
    this.#unqueue(server);
    this.#start(server, waiting, nowMs);
  }

  #start(server: number, request: number, nowMs: number): void {
    this.#readClock(server, nowMs);
    const done = this.#clock[server] + this.#requests.work[request];
    this.#service[server].push(done, request);
    this.#doneSum[server] += done;
    this.#schedule(server, nowMs);
  }

  #endService(server: number): number {
    const heap = this.#service[server];
    this.#doneSum[server] -= heap.topKey;
    const request = heap.pop();
    if (heap.size === 0) this.#doneSum[server] = 0; // rounding errors do not pile up
    return request;
  }

  #unqueue(server: number): void {
    const request = this.#head[server];
    const next = this.#requests.next[request];
    this.#head[server] = next;
    if (next >= 0) {
      this.#queuedWork[server] -= this.#requests.work[request];
    } else {
      this.#tail[server] = -1;
      this.#queuedWork[server] = 0;
    }
    this.#requests.next[request] = -1;
  }

  #changeSpeed(server: number, nowMs: number): void {
    this.#readClock(server, nowMs);
    this.#speed[server] = this.#pauses[server] > 0 ? 0 : this.#specs[server].speed / this.#slowness[server];
    this.#schedule(server, nowMs);
  }

  #readClock(server: number, nowMs: number): void {
    this.#clock[server] += (nowMs - this.#clockReadMs[server]) * this.#rate[server];
    this.#clockReadMs[server] = nowMs;
  }

  /** After every change of speed or of the requests in service. The clock has been read at `nowMs`. */
  #schedule(server: number, nowMs: number): void {
    const { discipline } = this.#specs[server];
    const workers = this.#workers[server];
    const heap = this.#service[server];
    const crowding = discipline === "ps" && heap.size > workers ? workers / heap.size : 1;
    const rate = this.#speed[server] * crowding;
    this.#rate[server] = rate;
    const left = heap.topKey - this.#clock[server];
    const inMs = rate > 0 ? Math.max(0, left) / rate : Number.POSITIVE_INFINITY;
    this.#next.set(server, nowMs + inMs);
  }
}

/** Exactly 0 again once everything that was added has been taken away. */
function sumOfShares(share: number, change: number): number {
  const sum = share + change;
  return Math.abs(sum) < 1e-9 ? 0 : sum;
}
