/** Classes of requests of one pool: which there are and what they cost. Pure, with the clock passed in. */
import { CLASSES } from "../../shared/memory/layout/classes.ts";
import { ClassCosts } from "./costs.ts";
import { ClassRegistry, type NamedTemplate, type RequestClass } from "./registry.ts";

/** An attempt that ended, with what its request is by. */
export interface ClassedOutcome {
  readonly slot: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  /** At the server when the attempt was placed, without it. */
  readonly inFlight: number;
  readonly atMs: number;
  /** Hash of its template; 0 = nothing is to be learned of it: it was not looked at, or its response is no usual one. */
  readonly template: number;
  /** The same with any last segment; 0 = there is none. */
  readonly parentTemplate: number;
  /** What it and each of those that were there were expected to cost, in mean requests. */
  readonly ownWork: number;
  readonly othersWork: number;
}

/** What is known of a class. */
export interface ClassDescription {
  /** `null` = the rest. */
  readonly template: RequestClass | null;
  /** Responses that were learned from since it is a class. */
  readonly requests: number;
  /** In mean requests; 1 = not known, or not known to differ. */
  readonly cost: number;
  /** Standard error of what was measured, as a share of it; 0 = there is too little. */
  readonly error: number;
  /** Its share of the requests and of the work of late, 0 … 1. */
  readonly share: number;
  readonly workShare: number;
  /** Mean time that servers took, of late, milliseconds; 0 = there was none. */
  readonly meanMs: number;
}

/** From one look at which templates are classes to the next, milliseconds. */
const REVIEW_MS = 1000;
/** How long requests count for shares and means, milliseconds. */
const SHARE_MS = 120_000;

export class RequestClasses {
  readonly #registry = new ClassRegistry();
  readonly #costs: ClassCosts;
  readonly #requests = new Float64Array(CLASSES);
  // With forgetting:
  readonly #recent = new Float64Array(CLASSES);
  readonly #latency = new Float64Array(CLASSES);
  readonly #share = new Float64Array(CLASSES);
  #reviewedMs = Number.NEGATIVE_INFINITY;
  #tickMs = Number.NEGATIVE_INFINITY;

  constructor(slots: number) {
    this.#costs = new ClassCosts(slots);
    this.#share[0] = 1;
  }

  /** The class of that number; `undefined` = there is none, or it is the rest. */
  at(number: number): RequestClass | undefined {
    return this.#registry.at(number);
  }

  /** The class of a request, 0 = the rest. */
  numberOf(template: number, parentTemplate: number): number {
    return this.#registry.numberOf(template, parentTemplate);
  }

  /** Forgets the server in `slot`. */
  clearSlot(slot: number): void {
    this.#costs.clearSlot(slot);
  }

  /** What a mean request would have taken in the place of one that took `latencyMs`: see request-work.ts. */
  typicalMs(slot: number, latencyMs: number, inFlight: number, own: number, others: number): number {
    return this.#costs.typicalMs(slot, latencyMs, inFlight, own, others);
  }

  /** Takes in an attempt. A failure says nothing of what a request costs, and is no reason to tell it apart. */
  observe(outcome: ClassedOutcome): void {
    const { template, parentTemplate, failed, latencyMs } = outcome;
    if (template === 0 || failed || !(latencyMs > 0)) return;
    const requestClass = this.#registry.numberOf(template, parentTemplate);
    const work = this.#costs.observe({ ...outcome, requestClass });
    this.#registry.count(template, parentTemplate, work);
    this.#requests[requestClass]++;
    this.#recent[requestClass]++;
    this.#latency[requestClass] += latencyMs;
  }

  /** What a template is called that is no class. */
  name(template: NamedTemplate): void {
    this.#registry.name(template);
  }

  /**
   * Lets classes come and go, and works out what they cost.
   * @param slots servers that may be asked.
   * @returns true when there are other classes than before.
   */
  tick(slots: ArrayLike<number>, nowMs: number): boolean {
    const keep = this.#tickMs === Number.NEGATIVE_INFINITY ? 1 : Math.exp((this.#tickMs - nowMs) / SHARE_MS);
    this.#tickMs = nowMs;
    let total = 0;
    for (let c = 0; c < CLASSES; c++) {
      this.#recent[c] *= keep;
      this.#latency[c] *= keep;
      total += this.#recent[c];
    }
    for (let c = 0; c < CLASSES; c++) this.#share[c] = total > 0 ? this.#recent[c] / total : c === 0 ? 1 : 0;
    this.#costs.tick(slots, this.#share, nowMs);
    if (nowMs - this.#reviewedMs < REVIEW_MS) return false;
    this.#reviewedMs = nowMs;
    const changed = this.#registry.review(nowMs);
    for (const number of changed) {
      this.#costs.clearClass(number);
      this.#requests[number] = 0;
      this.#recent[number] = 0;
      this.#latency[number] = 0;
    }
    return changed.length > 0;
  }

  /** Writes what a request of each class costs at the server in `slot` into `costs[at … at + CLASSES)`. */
  fillCosts(slot: number, costs: Float32Array, at: number): void {
    this.#costs.fill(slot, costs, at);
  }

  /** Of class 0, the rest, `template` is null; `undefined` = there is no such class. */
  describe(number: number): ClassDescription | undefined {
    const template = this.#registry.at(number) ?? null;
    if (template === null && number !== 0) return undefined;
    const cost = this.#costs.cost(number);
    let work = 0;
    for (let c = 0; c < CLASSES; c++) work += this.#share[c] * this.#costs.cost(c);
    return {
      template,
      requests: this.#requests[number],
      cost,
      error: this.#costs.error(number),
      share: this.#share[number],
      workShare: work > 0 ? (this.#share[number] * cost) / work : 0,
      meanMs: this.#recent[number] > 0 ? this.#latency[number] / this.#recent[number] : 0,
    };
  }
}
