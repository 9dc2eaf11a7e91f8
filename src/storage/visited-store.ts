/** The store as those see it who do not own it: the supervisor and the command line read, a trainer leaves a model as well. */
import type { LearningReads, LearningVisitor } from "./backend.ts";
import type { NewModel, TrainingStore } from "./learning-store.ts";
import { StoreReader } from "./store-reader.ts";

export class VisitedStore extends StoreReader implements TrainingStore {
  readonly #backend: LearningVisitor;

  constructor(backend: LearningVisitor) {
    super();
    this.#backend = backend;
  }

  protected override ask<T>(question: (backend: LearningReads) => Promise<T>): Promise<T> {
    return question(this.#backend);
  }

  insertModel(model: NewModel): Promise<number> {
    return this.#backend.insertModel(model);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}
