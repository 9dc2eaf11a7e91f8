/**
 * Which servers anything has happened to since the last look. Most of a large fleet rests most of the time, and a look at
 * a column of the shared memory costs much less than one at everything that is kept of a server. Reader of the workers'
 * columns.
 */
import { MAX_SERVERS, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import type { FleetServer } from "./server.ts";

/** So long after its last outcome nothing that is shown or judged of a server moves any more (see fleet/windows.ts). */
const AWAKE_MS = 70_000;

export class FleetActivity {
  readonly #bySlot: (FleetServer | undefined)[] = new Array(MAX_SERVERS).fill(undefined);
  /** Those with outcomes of late, and when the last was noticed. */
  readonly #awake = new Map<FleetServer, number>();
  /** By slot: the sum of all that workers count of it; each part only grows, so that none can hide another. */
  readonly #sums = new Float64Array(MAX_SERVERS);
  readonly #sumsNow = new Float64Array(MAX_SERVERS);
  /** Slots of the fleet's servers. */
  #slots: number[] = [];
  #activeMs = Number.NEGATIVE_INFINITY;

  /** How long ago anything was last noticed. */
  idleMs(nowMs: number): number {
    return nowMs - this.#activeMs;
  }

  add(member: FleetServer, nowMs: number): void {
    this.#bySlot[member.slot] = member;
    this.#slots.push(member.slot);
    this.#awake.set(member, nowMs);
  }

  remove(member: FleetServer): void {
    this.#bySlot[member.slot] = undefined;
    this.#slots = this.#slots.filter((slot) => slot !== member.slot);
    this.#awake.delete(member);
  }

  /** Calls `advance` for each server whose counts have changed, or whose windows have to move on without that. */
  look(workers: readonly WorkerBlock[], nowMs: number, advance: (member: FleetServer) => void): void {
    this.#sum(workers);
    for (const slot of this.#slots) {
      if (this.#sumsNow[slot] === this.#sums[slot]) continue;
      this.#sums[slot] = this.#sumsNow[slot];
      this.#activeMs = nowMs;
      const member = this.#bySlot[slot];
      if (member !== undefined) this.#awake.set(member, nowMs);
    }
    for (const [member, activeMs] of this.#awake) {
      if (activeMs !== nowMs && !member.windows.isStepDue(nowMs)) continue;
      advance(member);
      if (nowMs - activeMs > AWAKE_MS) this.#awake.delete(member);
    }
  }

  /** Calls `is` for servers that have failed requests since their last success, until it is true of one. */
  anyFailing(consecutiveFailures: Int32Array, is: (member: FleetServer) => boolean): boolean {
    for (const slot of this.#slots) {
      if (consecutiveFailures[slot] === 0) continue;
      const member = this.#bySlot[slot];
      if (member !== undefined && is(member)) return true;
    }
    return false;
  }

  #sum(workers: readonly WorkerBlock[]): void {
    const sums = this.#sumsNow;
    for (const slot of this.#slots) sums[slot] = 0;
    for (const { responses, failures, unanswered, latencySumMs } of workers) {
      for (const slot of this.#slots) {
        sums[slot] += responses[slot] + failures[slot] + unanswered[slot] + latencySumMs[slot];
      }
    }
  }
}
