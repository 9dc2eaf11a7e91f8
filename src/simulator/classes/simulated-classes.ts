/** What one simulated instance knows of classes of requests, and the work that it has in flight: as the product does it. */
import { classCost, othersWork, type RequestWork } from "../../balancing/request-work.ts";
import { RequestClasses } from "../../learning/classes/request-classes.ts";
import { CLASSES, WORK_UNIT } from "../../shared/memory/layout/classes.ts";
import type { RequestTable } from "../request-table.ts";

/** From one publication of costs to the next, milliseconds: as the learner does it. */
export const CLASSES_TICK_MS = 250;
/** Requests come from so many clients that none has most of them. */
const CLIENTS = 1000;

export class SimulatedClasses {
  /** What its balancers see. */
  readonly work: RequestWork;
  /** By slot, live. */
  readonly #id: Int32Array;
  readonly #requests: RequestTable;
  readonly #classes: RequestClasses;
  #client = 0;

  constructor(id: Int32Array, requests: RequestTable) {
    const slots = id.length;
    this.#id = id;
    this.#requests = requests;
    this.#classes = new RequestClasses(slots);
    this.work = {
      inFlight: new Int32Array(slots),
      cost: new Float32Array(slots * CLASSES).fill(1),
      costId: new Int32Array(slots),
    };
  }

  /** The class of requests of a kind. */
  classOf(kind: number): number {
    return this.#classes.numberOf(templateOf(kind), 0);
  }

  /** A request is sent to its server. @param inFlight what is there, without it. */
  take(request: number, inFlight: number): void {
    const { server, kind, ownWork, othersWork: others } = this.#requests;
    const slot = server[request];
    const units = Math.round(classCost(this.work, slot, this.#id[slot], this.classOf(kind[request])) * WORK_UNIT);
    ownWork[request] = units / WORK_UNIT;
    others[request] = othersWork(this.work.inFlight[slot], inFlight);
    this.work.inFlight[slot] += units;
  }

  /** It is there no more. */
  give(request: number): void {
    const { server, ownWork } = this.#requests;
    this.work.inFlight[server[request]] -= ownWork[request] * WORK_UNIT;
  }

  /** What came of it. */
  onOutcome(request: number, latencyMs: number, failed: boolean, nowMs: number): void {
    const { server, kind, ownWork, othersWork: others, inFlightAtDispatch } = this.#requests;
    const template = templateOf(kind[request]);
    this.#claim(server[request]);
    this.#classes.observe({
      slot: server[request],
      latencyMs,
      failed,
      inFlight: inFlightAtDispatch[request],
      atMs: nowMs,
      template,
      parentTemplate: 0,
      ownWork: ownWork[request],
      othersWork: others[request],
    });
    if (this.#classes.numberOf(template, 0) > 0) return;
    this.#client = (this.#client % CLIENTS) + 1;
    this.#classes.name({ hash: template, parent: 0, route: 0, method: 1, text: `/${template}`, client: this.#client });
  }

  /** What a mean request would have taken in its place. */
  typicalMs(request: number, latencyMs: number): number {
    const { server, ownWork, othersWork: others, inFlightAtDispatch } = this.#requests;
    return this.#classes.typicalMs(
      server[request],
      latencyMs,
      inFlightAtDispatch[request],
      ownWork[request],
      others[request],
    );
  }

  /** Lets classes come and go, and says what they cost. */
  tick(candidates: Int32Array, count: number, nowMs: number): void {
    const slots = candidates.subarray(0, count);
    this.#classes.tick(slots, nowMs);
    for (const slot of slots) {
      this.#claim(slot);
      this.#classes.fillCosts(slot, this.work.cost, slot * CLASSES);
    }
  }

  /** Another server in its place begins afresh. */
  #claim(slot: number): void {
    if (this.work.costId[slot] === this.#id[slot]) return;
    this.#classes.clearSlot(slot);
    this.work.cost.fill(1, slot * CLASSES, (slot + 1) * CLASSES);
    this.work.costId[slot] = this.#id[slot];
  }
}

/** A hash of it; never 0. */
function templateOf(kind: number): number {
  return kind + 1;
}
