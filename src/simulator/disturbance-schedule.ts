import { seededRandom } from "../balancing/random.ts";
import type { Disturbance, Effect } from "./scenario.ts";
import { NextEvents } from "./timer-heap.ts";

/** One disturbance of one server. */
interface Source {
  readonly disturbance: Disturbance;
  /** Or balancer; -1 where it is the whole machine, and for surges. */
  readonly server: number;
  readonly random: () => number;
  on: boolean;
  /** When the present round began or would have. */
  roundMs: number;
}

/**
 * Plays the disturbances of a scenario in the order of time. Every source draws from a stream of its own, so what
 * happens depends on the seed alone and not on the policy that is being tried.
 */
export class DisturbanceSchedule {
  readonly #sources: readonly Source[];
  readonly #next: NextEvents;

  constructor(disturbances: readonly Disturbance[], nextSeed: () => number) {
    const sources: Source[] = [];
    for (const disturbance of disturbances) {
      const servers = concernsAll(disturbance.effect) ? [-1] : disturbance.servers;
      for (const [i, server] of servers.entries()) {
        const random = seededRandom(nextSeed()).next;
        const roundMs = disturbance.startMs + i * disturbance.staggerMs;
        sources.push({ disturbance, server, random, on: false, roundMs });
      }
    }
    this.#sources = sources;
    this.#next = new NextEvents(Math.max(1, sources.length));
    for (const [i, source] of sources.entries()) {
      // Random ones do not begin all together: the first comes after a gap like any other.
      const { random, durationMs, everyMs } = source.disturbance;
      if (random && everyMs !== null) source.roundMs += exponential(source.random, everyMs - durationMs);
      this.#next.set(i, source.roundMs);
    }
  }

  /** When the next effect begins or ends. */
  get nextMs(): number {
    return this.#next.earliestMs;
  }

  /** Moves to `nextMs` and tells what begins (`on`) or ends there. */
  advance(apply: (effect: Effect, server: number, on: boolean) => void): void {
    const i = this.#next.earliest;
    const nowMs = this.#next.earliestMs;
    const source = this.#sources[i];
    const { effect, durationMs, everyMs, random } = source.disturbance;
    source.on = !source.on;
    if (source.on) {
      this.#next.set(i, nowMs + (random ? exponential(source.random, durationMs) : durationMs));
    } else if (everyMs === null) {
      this.#next.set(i, Number.POSITIVE_INFINITY);
    } else {
      source.roundMs = random ? nowMs + exponential(source.random, everyMs - durationMs) : source.roundMs + everyMs;
      this.#next.set(i, source.roundMs);
    }
    apply(effect, source.server, source.on);
  }
}

/** It is no single server's, or balancer's. */
function concernsAll(effect: Effect): boolean {
  return effect.kind === "surge" || (effect.kind === "freeze" && effect.of === "machine");
}

function exponential(random: () => number, mean: number): number {
  return -Math.log(1 - random()) * mean;
}
