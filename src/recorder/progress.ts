/**
 * How far the recorder has come, in the shared memory, so that a successor goes on there whatever it died of. Of two records
 * one is certain: all that it says was read is in the store. The other one says what is being written. Which of them is the
 * certain one is a single word: a recorder that is killed leaves the one or the other, never half of both.
 */

import {
  ProgressFigure,
  RecorderFigure,
  type RecorderMemory,
  type RecorderProgress,
  RecorderWord,
} from "../shared/memory/layout/history.ts";
import { MAX_WORKERS } from "../shared/memory/layout/shared-memory.ts";

/** How far the rings were read, for all seconds up to one; by worker, the number of the last record. */
export interface Position {
  readonly second: number;
  /** See `ProgressFigure.CLOCK_TURNS`. */
  readonly clockTurns: number;
  readonly requests: Int32Array;
  readonly details: Int32Array;
}

/** The only writer of it is the recorder that runs. */
export class Progress {
  readonly #memory: RecorderMemory;

  constructor(memory: RecorderMemory) {
    this.#memory = memory;
  }

  /** What the store has; `null` = this run has recorded nothing yet. */
  get certain(): Position | null {
    return positionOf(this.#certain);
  }

  /** What was handed to the store, if that may or may not have all of it. */
  get intended(): Position | null {
    const { figures } = this.#other;
    const isLater = figures[ProgressFigure.SEQUENCE] > this.#certain.figures[ProgressFigure.SEQUENCE];
    return isLater ? positionOf(this.#other) : null;
  }

  /** What, added to the boot clock, gave milliseconds since the epoch when the rings were last read; 0 = they never were. */
  get wallOffsetMs(): number {
    return this.#memory.figures[RecorderFigure.WALL_OFFSET_MS];
  }
  set wallOffsetMs(value: number) {
    this.#memory.figures[RecorderFigure.WALL_OFFSET_MS] = value;
  }

  /** All up to `position` is being written. */
  intend({ second, clockTurns, requests, details }: Position): void {
    const other = this.#other;
    other.figures[ProgressFigure.SEQUENCE] = 0; // it says nothing while it is changed
    other.requests.set(requests);
    other.details.set(details);
    other.figures[ProgressFigure.SECOND] = second;
    other.figures[ProgressFigure.CLOCK_TURNS] = clockTurns;
    other.figures[ProgressFigure.SEQUENCE] = this.#certain.figures[ProgressFigure.SEQUENCE] + 1;
  }

  /** What was intended is in the store. */
  confirm(): void {
    if (this.intended === null) return;
    Atomics.store(this.#memory.words, RecorderWord.CERTAIN, 1 - this.#index);
  }

  get #index(): number {
    return this.#memory.words[RecorderWord.CERTAIN] & 1;
  }
  get #certain(): RecorderProgress {
    return this.#memory.progress[this.#index];
  }
  get #other(): RecorderProgress {
    return this.#memory.progress[1 - this.#index];
  }
}

/** Where a run begins. */
export function beginning(second: number): Position {
  return { second, clockTurns: 0, requests: new Int32Array(MAX_WORKERS), details: new Int32Array(MAX_WORKERS) };
}

function positionOf({ figures, requests, details }: RecorderProgress): Position | null {
  if (!(figures[ProgressFigure.SEQUENCE] > 0)) return null;
  return {
    second: figures[ProgressFigure.SECOND],
    clockTurns: figures[ProgressFigure.CLOCK_TURNS],
    requests: requests.slice(),
    details: details.slice(),
  };
}
