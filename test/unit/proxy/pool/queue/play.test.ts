/** Many seeded plays of workers, requests, limits and lost or late wake-ups, against what must always hold. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { LearnerWord } from "../../../../../src/shared/memory/layout/learning.ts";
import { QueueWord } from "../../../../../src/shared/memory/layout/queues.ts";
import { Instance, type Request, ROW } from "./fixture.ts";

const PLAYS = 100;
const STEPS = 250;
/** How much later one may have come that is served before another in another worker, milliseconds (neighbours.ts). */
const SLACK_MS = 2;

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)];
}

class Play {
  readonly #random: () => number;
  readonly #instance: Instance;
  readonly #all: Request[] = [];
  readonly #hard: number[];
  readonly #limits: number[];
  readonly #patienceMs: number;
  /** Bytes arrive at once; else late, or never. */
  readonly #isPrompt: boolean;
  #holds = true;

  constructor(seed: number) {
    const random = seededRandom(seed).next;
    this.#random = random;
    this.#isPrompt = random() < 0.5;
    this.#instance = new Instance(pick([1, 1, 2, 3, 40], random), { queueSize: 10_000, queueTimeoutMs: 60_000 });
    const servers = 1 + Math.floor(random() * 4);
    this.#hard = Array.from({ length: servers }, () => pick([0, 0, 2, 5], random));
    this.#limits = Array.from({ length: servers }, () => pick([0, 1, 2, 4], random));
    this.#patienceMs = pick([20, 1000], random);
    this.#instance.servers(this.#hard).limits(this.#limits, this.#patienceMs);
  }

  run(): void {
    for (let i = 0; i < STEPS; i++) {
      const from = this.#instance.sent.length;
      this.#step();
      if (this.#isPrompt) this.#instance.deliver();
      this.#verifyStep(from);
    }
    this.#settle();
    this.#verifyQuiet();
    for (let next = this.#under(); next.length > 0; next = this.#under()) {
      next[0].finish();
      this.#settle();
    }
    expect(this.#waiting()).toEqual([]);
    this.#verifyCounts();
  }

  #step(): void {
    const { workers } = this.#instance;
    const random = this.#random;
    const worker = pick(workers, random);
    const what = random();
    if (what < 0.4) this.#arrive();
    else if (what < 0.7) this.#of(this.#under())?.finish();
    else if (what < 0.75) this.#of(this.#waiting())?.leave();
    else if (what < 0.9) this.#instance.pass(pick([0.1, 1, 10], random));
    else if (what < 0.93) worker.tick();
    else if (what < 0.96) this.#instance.bytes = this.#instance.bytes.filter(() => random() < 0.8);
    else if (what < 0.98) this.#instance.deliver();
    else this.#turn();
  }

  #arrive(): void {
    const kind = this.#random();
    const sticky = kind < 0.1 ? Math.floor(this.#random() * this.#hard.length) : -1;
    const worker = pick(this.#instance.workers, this.#random);
    this.#all.push(worker.arrive({ sticky, particular: kind > 0.95 }));
  }

  #of(requests: readonly Request[]): Request | undefined {
    return requests.length === 0 ? undefined : pick(requests, this.#random);
  }

  /** The learner says something else. */
  #turn(): void {
    const slot = Math.floor(this.#random() * this.#limits.length);
    this.#limits[slot] = pick([0, 1, 3, 8], this.#random);
    this.#instance.memory.learned[ROW].limit[slot] = this.#limits[slot];
    this.#holds = this.#random() < 0.8;
    this.#instance.memory.learned[ROW].words[LearnerWord.HOLDING] = this.#holds ? 1 : 0;
    // Nobody tells of this: who looks first would find places that others have waited longer for.
    if (this.#isPrompt) for (const worker of this.#instance.workers) worker.tick();
  }

  #under(): Request[] {
    return this.#all.filter(({ fate }) => fate === "sent");
  }

  #waiting(): Request[] {
    return this.#all.filter(({ fate }) => fate === "waits");
  }

  /** Everybody has read and looked. */
  #settle(): void {
    for (let i = 0; i < 3; i++) {
      this.#instance.deliver();
      this.#instance.pass(5);
      for (const worker of this.#instance.workers) worker.tick();
    }
    this.#instance.deliver();
  }

  #verifyStep(from: number): void {
    for (const [slot, hard] of this.#hard.entries()) {
      const atServer = this.#under().filter((request) => request.slot === slot).length;
      expect(this.#instance.inFlight(slot)).toBe(atServer);
      if (hard > 0) expect(atServer).toBeLessThanOrEqual(hard);
    }
    const sent = this.#instance.sent.slice(from);
    for (const { place, slot, sentMs, arrivedMs, before } of sent) {
      const isNarrowed = place.held && !place.sentAnyway && this.#holds && !this.#limits.includes(0);
      if (isNarrowed && sentMs > arrivedMs) expect(before).toBeLessThan(this.#limits[slot]);
    }
    if (this.#isPrompt) this.#verifyOrder(sent);
  }

  /** Of those that any server would do for nobody waits who came before one that was served. */
  #verifyOrder(sent: readonly Request[]): void {
    const isCommon = ({ particular, sticky }: Request) => !particular && sticky < 0;
    const waiting = this.#waiting().filter(isCommon);
    const oldest = Math.min(...waiting.map(({ arrivedMs }) => arrivedMs));
    for (const request of sent.filter(isCommon)) {
      const isDue = request.sentMs - request.arrivedMs >= this.#patienceMs; // it leaves no place to others any more
      if (!isDue) expect(request.arrivedMs).toBeLessThanOrEqual(oldest + SLACK_MS);
    }
  }

  /** Nobody waits for whom there is a place. */
  #verifyQuiet(): void {
    const { workers, nowMs } = this.#instance;
    const common = this.#waiting().filter(({ particular, sticky }) => !particular && sticky < 0);
    if (common.length > 0) expect(workers.map(({ picker }) => picker.hasRoom(nowMs))).not.toContain(true);
    for (const worker of workers) {
      const own = this.#waiting().filter((request) => request.worker === worker);
      expect(worker.queue.length).toBe(own.length);
      expect(worker.word(QueueWord.WAITING)).toBe(own.length);
      expect(worker.word(QueueWord.HELD_NOW)).toBe(own.filter(({ place }) => place.held).length);
    }
  }

  #verifyCounts(): void {
    const sum = (word: number) => this.#instance.workers.reduce((total, worker) => total + worker.word(word), 0);
    const left = this.#all.filter(({ fate }) => fate === "left").length;
    expect(sum(QueueWord.LEFT)).toBe(left);
    expect(this.#instance.sent.length + left).toBe(this.#all.length);
    expect(sum(QueueWord.SENT_ANYWAY)).toBe(this.#all.filter(({ place }) => place.sentAnyway).length);
    expect(sum(QueueWord.WAITING)).toBe(0);
  }
}

test("nobody is lost, served twice, or left waiting for a place that there is", () => {
  for (let seed = 1; seed <= PLAYS; seed++) {
    try {
      new Play(seed).run();
    } catch (error) {
      throw new Error(`play ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});
