/**
 * Which servers anything has happened to since the last look. Most of a large fleet rests most of the time, and a look at
 * a column of the shared memory costs much less than one at everything that is kept of a server. Reader of the workers'
 * columns.
 */
import { MAX_SERVERS, type WorkerBlock } from "../../shared/memory/layout.ts";
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
  /** All slots that were ever used are below this. */
  #slots = 0;
  #activeMs = Number.NEGATIVE_INFINITY;

  /** How long ago anything was last noticed. */
  idleMs(nowMs: number): number {
    return nowMs - this.#activeMs;
  }

  add(member: FleetServer, nowMs: number): void {
    this.#bySlot[member.slot] = member;
    this.#slots = Math.max(this.#slots, member.slot + 1);
    this.#awake.set(member, nowMs);
  }

  remove(member: FleetServer): void {
    this.#bySlot[member.slot] = undefined;
    this.#awake.delete(member);
  }

  /** Calls `advance` for each server whose counts have changed, or whose windows have to move on without that. */
  look(workers: readonly WorkerBlock[], nowMs: number, advance: (member: FleetServer) => void): void {
    this.#sum(workers);
    for (let slot = 0; slot < this.#slots; slot++) {
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
    for (let slot = 0; slot < this.#slots; slot++) {
      if (consecutiveFailures[slot] === 0) continue;
      const member = this.#bySlot[slot];
      if (member !== undefined && is(member)) return true;
    }
    return false;
  }

  #sum(workers: readonly WorkerBlock[]): void {
    const sums = this.#sumsNow;
    sums.fill(0, 0, this.#slots);
    for (const { responses, failures, unanswered, latencySumMs } of workers) {
      for (let slot = 0; slot < this.#slots; slot++) {
        sums[slot] += responses[slot] + failures[slot] + unanswered[slot] + latencySumMs[slot];
      }
    }
  }
}
