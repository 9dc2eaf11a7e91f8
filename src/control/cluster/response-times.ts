/** How long requests of each pool take on average, of late: the others' numbers are as old as they are beside that. */
import { Header, MAX_POOLS, MAX_SERVERS, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";

/** With every look what was counted before counts this much less: at ten a second, half of it after some three seconds. */
const KEPT = 0.98;

/** One instance's. */
export class ResponseTimes {
  readonly #memory: Pick<SharedMemory, "header" | "servers" | "workers">;
  /** By slot, over all workers, as of the last look. */
  readonly #responses = new Float64Array(MAX_SERVERS);
  readonly #latencyMs = new Float64Array(MAX_SERVERS);
  /** By row of the pool. */
  readonly #count = new Float64Array(MAX_POOLS);
  readonly #sumMs = new Float64Array(MAX_POOLS);

  constructor(memory: Pick<SharedMemory, "header" | "servers" | "workers">) {
    this.#memory = memory;
    this.look();
    this.#count.fill(0);
    this.#sumMs.fill(0);
  }

  /** Counts what was answered since the last look. */
  look(): void {
    const { header, servers, workers } = this.#memory;
    for (let row = 0; row < MAX_POOLS; row++) {
      this.#count[row] *= KEPT;
      this.#sumMs[row] *= KEPT;
    }
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      if (servers.id[slot] === 0) continue;
      let responses = 0;
      let latencyMs = 0;
      for (let i = 0; i < header[Header.WORKER_BLOCKS]; i++) {
        responses += workers[i].responses[slot];
        latencyMs += workers[i].latencySumMs[slot];
      }
      const more = Math.max(0, responses - this.#responses[slot]);
      this.#count[servers.pool[slot]] += more;
      if (more > 0) this.#sumMs[servers.pool[slot]] += Math.max(0, latencyMs - this.#latencyMs[slot]);
      this.#responses[slot] = responses;
      this.#latencyMs[slot] = latencyMs;
    }
  }

  /** Milliseconds; NaN = nothing was answered. @param row of the pool. */
  meanMs(row: number): number {
    return this.#count[row] < 0.5 ? Number.NaN : this.#sumMs[row] / this.#count[row];
  }
}
