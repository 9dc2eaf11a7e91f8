/** What is learned, for the one process that owns it: see `BufferedPart`. */
import type { LearningBackend, LearningChange, LearningReads } from "../backend.ts";
import type {
  LearningStore,
  ModelStatus,
  NewModel,
  Sample,
  StatusOptions,
  StoreStatus,
  Verdict,
} from "../learning-store.ts";
import { LEARNING_ROWS } from "../rows/row-kinds.ts";
import { StoreReader } from "../store-reader.ts";
import { type BufferedOptions, BufferedPart } from "./buffered-part.ts";

/** What the store needs. */
export interface BufferedLearningOptions extends BufferedOptions<LearningBackend> {
  /** What each sample's values mean, in order. */
  readonly features: readonly string[];
}

/** See the top of this file. */
export class BufferedLearning extends StoreReader implements LearningStore {
  readonly #part: BufferedPart<typeof LEARNING_ROWS, LearningChange, number, LearningBackend>;

  constructor(options: BufferedLearningOptions) {
    super();
    this.#part = new BufferedPart(LEARNING_ROWS, options.features.length, options);
  }

  appendSamples(batch: readonly Sample[]): void {
    this.#part.append("samples", batch);
  }

  appendVerdict(verdict: Verdict): void {
    this.#part.append("verdicts", [verdict]);
  }

  async insertModel(model: NewModel): Promise<number> {
    return (await this.#part.change({ kind: "insert_model", model }))!;
  }

  async setModelStatus(version: number, status: ModelStatus, atMs: number, options?: StatusOptions): Promise<void> {
    await this.#part.change({ kind: "set_status", version, status, atMs, options });
  }

  async setNote(pool: string, name: string, value: unknown): Promise<void> {
    await this.#part.change({ kind: "set_note", pool, name, value });
  }

  flush(): Promise<boolean> {
    return this.#part.flush();
  }

  status(): StoreStatus {
    return this.#part.status();
  }

  close(): Promise<void> {
    return this.#part.close();
  }

  protected override ask<T>(question: (backend: LearningReads) => Promise<T>): Promise<T> {
    return this.#part.ask(question);
  }
}
