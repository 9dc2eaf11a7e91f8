/** A laboratory of threads: simulations are nothing but computing, and share nothing. */

import type { EpochReport } from "../trainer.ts";
import type { Job, Laboratory, Results } from "./laboratory.ts";
import type { Answer } from "./laboratory-worker.ts";

interface Order {
  readonly job: Job;
  readonly onEpoch?: (epoch: EpochReport) => void;
  readonly resolve: (result: Results[Job["kind"]]) => void;
  readonly reject: (error: Error) => void;
}

export class ThreadLaboratory implements Laboratory {
  readonly #threads: Worker[];
  readonly #idle: Worker[];
  readonly #busy = new Map<Worker, Order>();
  readonly #waiting: Order[] = [];
  #closed: Error | null = null;

  constructor(threads: number) {
    this.#threads = Array.from({ length: threads }, () => this.#start());
    this.#idle = [...this.#threads];
  }

  run<K extends Job["kind"]>(job: Job & { readonly kind: K }, onEpoch?: (epoch: EpochReport) => void) {
    return new Promise<Results[K]>((resolve, reject) => {
      if (this.#closed !== null) return reject(this.#closed);
      this.#waiting.push({ job, onEpoch, resolve: resolve as Order["resolve"], reject });
      this.#assign();
    });
  }

  /** Ends the threads. Work that is not done is rejected with `reason`. */
  close(reason = new Error("the laboratory is closed")): void {
    if (this.#closed !== null) return;
    this.#closed = reason;
    for (const thread of this.#threads) thread.terminate();
    for (const { reject } of [...this.#busy.values(), ...this.#waiting]) reject(reason);
  }

  #start(): Worker {
    const thread = new Worker(new URL("./laboratory-worker.ts", import.meta.url).href);
    thread.onmessage = ({ data }: MessageEvent<Answer>) => this.#onResponse(thread, data);
    // The thread itself is gone, out of memory for instance: without all threads there is no telling how long it takes.
    thread.onerror = ({ message }) => this.close(new Error(`a thread of the training failed: ${message}`));
    return thread;
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const thread = this.#idle.pop()!;
      const order = this.#waiting.shift()!;
      this.#busy.set(thread, order);
      thread.postMessage(order.job);
    }
  }

  #onResponse(thread: Worker, answer: Answer): void {
    const order = this.#busy.get(thread);
    if (order === undefined) return; // it was closed
    if (answer.type === "epoch") {
      order.onEpoch?.(answer.epoch);
      return;
    }
    this.#busy.delete(thread);
    this.#idle.push(thread);
    if (answer.type === "done") order.resolve(answer.result);
    else order.reject(new Error(answer.message));
    this.#assign();
  }
}
