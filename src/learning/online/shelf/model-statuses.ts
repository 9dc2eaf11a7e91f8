/** Tells the store what became of models, and again until it has taken it: a full disk must not make it forget a champion. */
import type { LearningStore, ModelStatus, StatusOptions } from "../../../storage/learning-store.ts";

interface Change extends StatusOptions {
  readonly version: number;
  readonly status: ModelStatus;
  readonly atMs: number;
}

export class ModelStatuses {
  readonly #store: Pick<LearningStore, "setModelStatus">;
  #waiting: Change[] = [];
  #writing: Promise<void> | null = null;

  constructor(store: Pick<LearningStore, "setModelStatus">) {
    this.#store = store;
  }

  /** Changes that the store has not taken yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Hands a change over; it is written by `write`. @param atMs milliseconds since the epoch. */
  set(version: number, status: ModelStatus, atMs: number, options: StatusOptions = {}): void {
    if (version <= 0) return; // a model that the store does not have
    this.#waiting.push({ version, status, atMs, ...options });
  }

  /** Writes what waits, in order, up to the first that fails. Never rejects: the store says itself what is wrong with it. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { version, status, atMs, outgoing } = this.#waiting[0];
      try {
        await this.#store.setModelStatus(version, status, atMs, { outgoing });
      } catch (error) {
        // A model that is gone (a new file was begun) will not come back.
        if (!(error instanceof RangeError)) return;
      }
      this.#waiting.shift();
    }
  }
}
