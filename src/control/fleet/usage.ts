/** CPU and memory usage of one server, from whichever source spoke last and best. */
import { UNKNOWN_USAGE, type Usage } from "../../health/probe/response.ts";
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { inRange, USAGE_PERCENT } from "../../shared/ranges.ts";

/** A report in a response header is fresher than any poll while it is younger than this. */
const ORCA_FRESH_MS = 10_000;

/** The ORCA report of one kind (CPU or memory) that arrived last at any worker. */
class OrcaValue {
  readonly #seen: number[] = [];
  #value = Number.NaN;
  #atMs = Number.NEGATIVE_INFINITY;

  /** The columns carry no time: a report is new when its value differs from the one seen before. */
  advance(worker: number, reported: number, nowMs: number): void {
    const before = this.#seen[worker];
    this.#seen[worker] = reported;
    // A slot's first reading may be of the server that had the slot before.
    if (before === undefined || Object.is(before, reported) || !inRange(reported, USAGE_PERCENT)) return;
    this.#value = reported;
    this.#atMs = nowMs;
  }

  /** The polled value, unless there is a fresh report or nothing was polled. */
  prefer(polled: number, nowMs: number): number {
    if (Number.isNaN(this.#value)) return polled;
    return nowMs - this.#atMs < ORCA_FRESH_MS || Number.isNaN(polled) ? this.#value : polled;
  }
}

/** One server's CPU and memory usage, from the freshest source there is. */
export class ServerUsage {
  readonly #slot: number;
  readonly #cpu = new OrcaValue();
  readonly #memory = new OrcaValue();
  #polled: Usage = UNKNOWN_USAGE;

  constructor(slot: number) {
    this.#slot = slot;
  }

  onPoll(usage: Usage): void {
    this.#polled = usage;
  }

  /** Reads the workers' reports. @returns what is known now, percent, NaN = unknown. */
  advance(workers: readonly WorkerBlock[], nowMs: number): Usage {
    workers.forEach((worker, i) => {
      this.#cpu.advance(i, worker.orcaCpuPercent[this.#slot], nowMs);
      this.#memory.advance(i, worker.orcaMemoryPercent[this.#slot], nowMs);
    });
    return {
      cpuPercent: this.#cpu.prefer(this.#polled.cpuPercent, nowMs),
      memoryPercent: this.#memory.prefer(this.#polled.memoryPercent, nowMs),
    };
  }
}
