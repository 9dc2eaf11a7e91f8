/** Workers of one instance in one process: real pickers and queues over one shared memory, a clock by hand, and wake-ups that are delivered when the test says so. */
import { FailingServers } from "../../../../../src/balancing/failing-servers.ts";
import { createStrategy } from "../../../../../src/balancing/registry.ts";
import { Standstills } from "../../../../../src/balancing/standstills.ts";
import { isAtLimit, NO_SERVER, type PickedRequest, Picker } from "../../../../../src/proxy/pick/picker.ts";
import { Heed } from "../../../../../src/proxy/pick/room.ts";
import { Neighbours } from "../../../../../src/proxy/pool/queue/neighbours.ts";
import { type Waiting, WaitingPlace } from "../../../../../src/proxy/pool/queue/wait-line.ts";
import { WaitQueue } from "../../../../../src/proxy/pool/queue/wait-queue.ts";
import { LearnerFigure, LearnerWord } from "../../../../../src/shared/memory/layout/learning.ts";
import { QueueWord } from "../../../../../src/shared/memory/layout/queues.ts";
import {
  Header,
  ServerState,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { ServerTableWriter } from "../../../../../src/shared/memory/server-table/writer.ts";

export const ROW = 5;
const OPTIONS = { consecutiveFailures: 0, maxEjectedPercent: 0, baseEjectionMs: 1000 };

export type Fate = "waits" | "sent" | "left" | "shed" | "refused" | "done";

/** One request. */
export class Request implements Waiting {
  readonly place = new WaitingPlace(this);
  readonly worker: TestWorker;
  readonly arrivedMs: number;
  readonly particular: boolean;
  readonly sticky: number;
  fate: Fate = "waits";
  slot = -1;
  sentMs = Number.NaN;
  /** In flight at its server before it. */
  before = 0;

  constructor(worker: TestWorker, { particular = false, sticky = -1 } = {}) {
    this.worker = worker;
    this.arrivedMs = worker.instance.nowMs;
    this.particular = particular;
    this.sticky = sticky;
  }

  get #asked(): PickedRequest {
    return {
      key: 0,
      sticky: this.sticky < 0 ? null : { slot: this.sticky, id: this.sticky + 1 },
      idempotent: true,
      requestIdBuffer: Buffer.alloc(0),
      requestIdStart: 0,
      requestIdEnd: 0,
      requestClass: 0,
    };
  }

  /** As `Attempts` seeks a server. */
  arrive(): this {
    const { queue, instance } = this.worker;
    const { nowMs } = instance;
    queue.poll(nowMs);
    const why = this.particular || this.sticky >= 0 ? 0 : queue.mustWait(nowMs);
    let slot: number = why === 0 ? this.acquireFromQueue(nowMs, Heed.ANY) : why;
    if (isAtLimit(slot) && !queue.mayHold(nowMs)) slot = this.acquireFromQueue(nowMs, Heed.NONE);
    if (slot >= NO_SERVER) this.leaveFor(slot, nowMs);
    else if (queue.isFull) {
      queue.refused();
      this.fate = "refused";
    } else queue.enter(this.place, slot, this.particular || this.sticky >= 0, nowMs);
    return this;
  }

  acquireFromQueue(nowMs: number, heed: Heed): number {
    return this.worker.picker.acquire(this.#asked, nowMs, [], undefined, heed);
  }

  leaveFor(slot: number, nowMs: number): void {
    this.fate = "sent";
    this.slot = slot;
    this.sentMs = nowMs;
    this.before = slot < 0 ? 0 : this.worker.instance.inFlight(slot) - 1;
    this.worker.instance.sent.push(this);
  }

  shed(): void {
    this.fate = "shed";
  }

  /** Its client goes away. */
  leave(): void {
    this.fate = "left";
    this.worker.queue.leave(this.place, true, this.worker.instance.nowMs);
  }

  /** Its server has answered. */
  finish(): void {
    const { queue, picker, instance } = this.worker;
    this.fate = "done";
    picker.release(this.slot, picker.work.taken);
    queue.onFreed(instance.nowMs);
  }
}

/** One worker. */
export class TestWorker {
  readonly instance: Instance;
  readonly index: number;
  readonly picker: Picker;
  readonly neighbours: Neighbours;
  readonly queue: WaitQueue;
  listens = false;

  constructor(instance: Instance, index: number) {
    const { memory } = instance;
    const own = memory.workers[index];
    this.instance = instance;
    this.index = index;
    const failing = new FailingServers(memory.servers, OPTIONS);
    const fleet = { ...memory.servers, identityHash: new Uint32Array(memory.servers.id.length) };
    const strategy = createStrategy("round_robin", { fleet, random: () => 0 });
    this.picker = new Picker({ memory, own, pool: ROW, failing, strategy, decisions: null });
    this.picker.room.setLearning(true);
    const wakes = {
      onWake() {},
      listen: () => {
        this.listens = true;
      },
      send: (worker: number) => void instance.bytes.push(worker),
    };
    this.neighbours = new Neighbours(memory, index, wakes, () => 0);
    this.queue = new WaitQueue({
      block: own,
      row: ROW,
      pool: this.picker,
      neighbours: this.neighbours,
      now: () => instance.nowMs,
      standstills: instance.standstills,
      after: (run, ms) => instance.after(run, ms),
      onError: (error) => {
        throw error;
      },
    });
    this.queue.configure(instance.queueSize, instance.queueTimeoutMs);
  }

  /** `QueueWord` of its pool. */
  word(word: number): number {
    return this.instance.memory.workers[this.index].queues[ROW * QueueWord.LENGTH + word];
  }

  /** It reads the byte that it was sent. */
  hear(): void {
    this.neighbours.heard();
    this.queue.onWake(this.instance.nowMs);
  }

  tick(): void {
    this.neighbours.heard();
    this.queue.tick(this.instance.nowMs);
  }

  arrive(kind: { particular?: boolean; sticky?: number } = {}): Request {
    return new Request(this, kind).arrive();
  }
}

/** All of them. */
export class Instance {
  readonly memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  readonly workers: TestWorker[];
  /** Workers that were sent a byte which they have not read. */
  bytes: number[] = [];
  /** Requests that are at servers, or have been. */
  readonly sent: Request[] = [];
  nowMs = 10_000;
  readonly standstills = new Standstills();
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
  #servers = 0;
  readonly #timers = new Set<{ readonly run: () => void; readonly dueMs: number }>();

  constructor(workers: number, { queueSize = 1000, queueTimeoutMs = 1000 } = {}) {
    this.queueSize = queueSize;
    this.queueTimeoutMs = queueTimeoutMs;
    this.memory.header[Header.WORKER_BLOCKS] = workers;
    this.workers = Array.from({ length: workers }, (_, index) => new TestWorker(this, index));
  }

  /** Servers in slots 0, 1, … with these hard limits; 0 = none. */
  servers(hardLimits: readonly number[]): this {
    this.#servers = hardLimits.length;
    const rows = hardLimits.map(
      (hardLimit, slot) =>
        [
          slot,
          { id: slot + 1, pool: ROW, state: ServerState.UP, weight: 1, effectiveWeight: 1, capacity: 10, hardLimit },
        ] as const,
    );
    new ServerTableWriter(this.memory).publish(new Map(rows), ROW, false);
    for (const { picker } of this.workers) picker.setKnownIds(hardLimits.map((_, slot) => [slot, slot + 1] as const));
    return this;
  }

  /** What the learner publishes now, by slot. */
  limits(limits: readonly number[], patienceMs = 100): this {
    const { limit, limitId, words, figures } = this.memory.learned[ROW];
    for (let slot = 0; slot < this.#servers; slot++) {
      limit[slot] = limits[slot] ?? 0;
      limitId[slot] = slot + 1;
    }
    words[LearnerWord.HOLDING] = 1;
    figures[LearnerFigure.PATIENCE_MS] = patienceMs;
    this.renew();
    return this;
  }

  /** The limits are no older than now. */
  renew(): void {
    this.memory.learned[ROW].figures[LearnerFigure.LIMITS_MS] = this.nowMs;
  }

  after(run: () => void, ms: number): () => void {
    const timer = { run, dueMs: this.nowMs + ms };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Time passes, and timers run when they are due. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs);
      if (due.length === 0) break;
      this.#timers.delete(due[0]);
      this.nowMs = Math.max(this.nowMs, due[0].dueMs);
      this.renew();
      due[0].run();
    }
    this.nowMs = untilMs;
    this.renew();
  }

  /** All bytes that are under way are read. */
  deliver(): void {
    while (this.bytes.length > 0) this.workers[this.bytes.shift() as number].hear();
  }

  inFlight(slot: number): number {
    return this.memory.servers.inFlight[slot];
  }
}
