/** When the next training is due: a state machine with the clock passed in. */
import type { TrainingResult } from "../../../shared/memory/layout/learning.ts";

/** Samples that the first training waits for. */
export const FIRST_SAMPLES = 3_000;
/** New samples that each further one waits for. */
export const MORE_SAMPLES = 1_000;
/** Trainings that gave nothing make the interval up to so many times longer. */
const LONGEST = 16;

export class TrainingSchedule {
  readonly #intervalMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #factor = 1;
  /** Samples since the last training; those that were there at the start count for the first. */
  #samples = 0;
  #needed = FIRST_SAMPLES;
  #asked = false;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Further samples are in the store. */
  add(samples: number): void {
    this.#samples += samples;
  }

  /** Somebody wants one now: samples and interval are not waited for. */
  ask(): void {
    this.#asked = true;
  }

  due(nowMs: number): boolean {
    if (this.#asked) return true;
    return this.#samples >= this.#needed && nowMs - this.#lastMs >= this.#intervalMs * this.#factor;
  }

  /** One begins. */
  begin(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#samples = 0;
    this.#needed = MORE_SAMPLES;
    this.#asked = false;
  }

  /** It ended. What gave nothing is tried again later each time. */
  end(result: TrainingResult): void {
    this.#factor = result === "proposed" ? 1 : Math.min(LONGEST, this.#factor * 2);
  }

  /** Another model serves: what could not be bettered before may be now. */
  restart(): void {
    this.#factor = 1;
  }
}
