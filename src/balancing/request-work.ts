/**
 * Load as expected work. Requests of one class (a method and a path template) cost about the same, and what that is, is
 * learned; so a server with four light requests is not as busy as one with four heavy ones, and a heavy request gains more
 * from a fast server than a light one does.
 *
 * Costs are in mean requests of the pool: 1 is what is not known. The number of requests at a server still says how many
 * wait there (its size shows in that), their work how long each of them takes.
 */

import { CLASSES, WORK_UNIT } from "../shared/memory/layout/classes.ts";

/**
 * So many mean requests are added to those at a server before their mean is taken. One heavy request occupies one worker and
 * leaves the others alone, so a few say little of how long a newcomer waits; found with the simulator (docs/request-classes.md).
 */
const PRIOR_REQUESTS = 16;

/** What strategies see of it. The arrays are live and only read. */
export interface RequestWork {
  /** By slot: expected work in flight, without the request that is being placed, in `WORK_UNIT`ths of a mean request. */
  readonly inFlight: Int32Array;
  /** `[slots × CLASSES]`: what a request of a class costs at a server, in mean requests, > 0. */
  readonly cost: Float32Array;
  /** By slot: id of the server whose costs they are. A slot may have changed hands since: then a request costs 1. */
  readonly costId: Int32Array;
}

/** What a request of a class is expected to cost at the server `id` in `slot`, in mean requests. */
export function classCost({ cost, costId }: RequestWork, slot: number, id: number, requestClass: number): number {
  return costId[slot] === id ? cost[slot * CLASSES + requestClass] : 1;
}

/** What one of the requests at a server costs, on average and in mean requests; 1 where there are none. */
export function othersWork(workInFlight: number, inFlight: number): number {
  return (Math.max(0, workInFlight) / WORK_UNIT + PRIOR_REQUESTS) / (Math.max(0, inFlight) + PRIOR_REQUESTS);
}

/**
 * What a mean request would have taken in the place of one that took `latencyMs`: itself it takes in proportion to its own
 * work, and waits in proportion to that of the others.
 * @param growth how many times as long a mean request takes among as many others as it does alone, ≥ 1.
 */
export function typicalLatencyMs(latencyMs: number, growth: number, ownWork: number, others: number): number {
  return (latencyMs * growth) / (ownWork + (growth - 1) * others);
}
