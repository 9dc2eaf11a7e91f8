import type { RequestTable } from "../request-table.ts";
import type { Holding } from "./holding.ts";

/** The requests that one instance holds: who came first is served first. */
export class HeldQueue {
  readonly holding: Holding;
  length = 0;
  readonly #requests: RequestTable;
  #head = -1;
  #tail = -1;

  constructor(holding: Holding, requests: RequestTable) {
    this.holding = holding;
    this.#requests = requests;
  }

  /** When the first one has waited for as long as the patience. */
  get overdueMs(): number {
    if (this.#head < 0) return Number.POSITIVE_INFINITY;
    return this.#requests.arrivedMs[this.#head] + this.holding.patienceMs;
  }

  /** For how long the first one has waited, milliseconds; 0 = none is held. */
  waitedMs(nowMs: number): number {
    return this.#head < 0 ? 0 : nowMs - this.#requests.arrivedMs[this.#head];
  }

  push(request: number): void {
    const { next } = this.#requests;
    next[request] = -1;
    if (this.#tail < 0) this.#head = request;
    else next[this.#tail] = request;
    this.#tail = request;
    this.length++;
  }

  /** Takes out who has waited longest; only when `length` > 0. */
  shift(): number {
    const first = this.#head;
    this.#head = this.#requests.next[first];
    if (this.#head < 0) this.#tail = -1;
    this.length--;
    return first;
  }

  /** Puts back who was taken out. */
  unshift(request: number): void {
    this.#requests.next[request] = this.#head;
    this.#head = request;
    if (this.#tail < 0) this.#tail = request;
    this.length++;
  }
}
