/**
 * Who was being served when: with first come, first served that follows from who was sent when and who was done when,
 * whatever the speed was meanwhile.
 */
import type { Concurrency } from "../fleet.ts";
import { completions, type ServerLog } from "./server-log.ts";

/** What happens at a step. */
export const StepKind = { BEGIN: 0, DONE: 1, TICK: 2 } as const;
/** One of them. */
export type StepKind = (typeof StepKind)[keyof typeof StepKind];

/** The life of a server as steps in the order of time. */
export interface ServiceSteps {
  readonly count: number;
  readonly atMs: Float64Array;
  readonly kind: Uint8Array;
  /** Number in the server's log; -1 for ticks. */
  readonly request: Int32Array;
  /** Of a worker's power, what each request in service gets from this step to the next. */
  readonly rate: Float32Array;
}

/** A server that serves more at once is looked at as if those beyond were not there. */
const MOST_IN_SERVICE = 256;

/**
 * @param sampled requests are missing: only who found a free worker is known to have begun at once.
 * @param tickMs while somebody is being served, no step is longer.
 */
export function serviceSteps(
  log: ServerLog,
  { workers, discipline }: Concurrency,
  sampled: boolean,
  tickMs: number,
): ServiceSteps {
  const steps = new StepList();
  const done = completions(log);
  const state = new Uint8Array(log.request.length); // 0 = not yet, 1 = waits, 2 = in service, 3 = gone or unknown
  const begunBy = discipline === "fifo" && !sampled ? Math.min(workers, MOST_IN_SERVICE) : MOST_IN_SERVICE;
  let head = 0; // oldest that may wait
  let sent = 0;
  let inService = 0;
  let there = 0;
  const rate = (): number => (discipline === "ps" && there > workers ? workers / there : 1);
  const begin = (request: number, atMs: number): void => {
    state[request] = 2;
    inService++;
    steps.add(atMs, StepKind.BEGIN, request, rate(), tickMs);
  };
  const arrive = (request: number): void => {
    if (log.failed[request] === 1) return;
    there++;
    if (sampled && !(log.inFlight[request] >= 0 && log.inFlight[request] < workers)) state[request] = 3;
    else if (inService < begunBy) begin(request, log.sentMs[request]);
    else state[request] = discipline === "fifo" && !sampled ? 1 : 3;
  };
  for (const request of done) {
    const atMs = log.doneMs[request];
    while (sent < log.request.length && log.sentMs[sent] <= atMs) arrive(sent++);
    there--;
    if (state[request] !== 2) {
      state[request] = 3; // out of turn: nobody knows when it began
      continue;
    }
    state[request] = 3;
    inService--;
    steps.add(atMs, StepKind.DONE, request, rate(), tickMs);
    if (begunBy === MOST_IN_SERVICE && discipline === "ps") continue;
    while (head < sent && state[head] !== 1) head++;
    if (head < sent && inService < begunBy) begin(head, atMs);
  }
  return steps.finish();
}

/** Grows by doubling. */
class StepList {
  #atMs = new Float64Array(1024);
  #kind = new Uint8Array(1024);
  #request = new Int32Array(1024);
  #rate = new Float32Array(1024);
  #count = 0;
  #inService = 0;

  add(atMs: number, kind: StepKind, request: number, rate: number, tickMs: number): void {
    if (this.#inService > 0 && tickMs > 0) {
      for (let ms = this.#atMs[this.#count - 1] + tickMs; ms < atMs; ms += tickMs) {
        this.#push(ms, StepKind.TICK, -1, this.#rate[this.#count - 1]);
      }
    }
    this.#inService += kind === StepKind.BEGIN ? 1 : -1;
    this.#push(atMs, kind, request, rate);
  }

  finish(): ServiceSteps {
    const count = this.#count;
    return { count, atMs: this.#atMs, kind: this.#kind, request: this.#request, rate: this.#rate };
  }

  #push(atMs: number, kind: StepKind, request: number, rate: number): void {
    if (this.#count === this.#atMs.length) this.#grow();
    this.#atMs[this.#count] = atMs;
    this.#kind[this.#count] = kind;
    this.#request[this.#count] = request;
    this.#rate[this.#count++] = rate;
  }

  #grow(): void {
    const length = 2 * this.#atMs.length;
    const larger = <T extends Float64Array | Uint8Array | Int32Array | Float32Array>(from: T, to: T): T => {
      to.set(from as never);
      return to;
    };
    this.#atMs = larger(this.#atMs, new Float64Array(length));
    this.#kind = larger(this.#kind, new Uint8Array(length));
    this.#request = larger(this.#request, new Int32Array(length));
    this.#rate = larger(this.#rate, new Float32Array(length));
  }
}
