/** What requests in flight are expected to cost, counted by one worker for all. */
import { classCost, othersWork, type RequestWork } from "../../balancing/request-work.ts";
import { LEAST_WORK, MOST_WORK, WORK_UNIT } from "../../shared/memory/layout/classes.ts";
import type { SharedMemory, WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";

const MOST_UNITS = MOST_WORK * WORK_UNIT;
const LEAST_UNITS = LEAST_WORK * WORK_UNIT;

export class WorkInFlight implements RequestWork {
  readonly inFlight: Int32Array;
  readonly cost: Float32Array;
  readonly costId: Int32Array;
  readonly #id: Int32Array;
  readonly #requests: Int32Array;
  readonly #own: Int32Array;
  /** Classes of requests are told apart in this pool. */
  on = false;
  // Of the place that was taken last:
  /** Work that it added; 0 while no classes are told apart. */
  taken = 0;
  /** What each of those was expected to cost that were there, in mean requests. */
  others = 1;

  constructor(
    { servers, classes }: Pick<SharedMemory, "servers" | "classes">,
    { ownWorkInFlight }: Pick<WorkerBlock, "ownWorkInFlight">,
  ) {
    this.inFlight = servers.workInFlight;
    this.cost = classes.costs.cost;
    this.costId = classes.costs.costId;
    this.#id = servers.id;
    this.#requests = servers.inFlight;
    this.#own = ownWorkInFlight;
  }

  /** A place in flight is about to be taken at `slot`, by a request of that class. */
  take(slot: number, requestClass: number): void {
    this.taken = 0;
    if (!this.on) return;
    const units = Math.round(classCost(this, slot, this.#id[slot], requestClass) * WORK_UNIT);
    // The memory is another process's: what cannot be true counts as one mean request.
    const work = units >= LEAST_UNITS && units <= MOST_UNITS ? units : WORK_UNIT;
    this.others = othersWork(this.inFlight[slot], this.#requests[slot]);
    this.#own[slot] += work;
    Atomics.add(this.inFlight, slot, work);
    this.taken = work;
  }

  /** It is given back. @param work what was taken for it. */
  give(slot: number, work: number): void {
    if (work === 0) return;
    Atomics.sub(this.inFlight, slot, work);
    this.#own[slot] -= work;
  }
}
