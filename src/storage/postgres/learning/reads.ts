/** The reading half of what is learned in PostgreSQL, whoever uses it. */
import type { LearningReads, SamplePage } from "../../backend.ts";
import type { Model, ModelQuery, SampleQuery, StoredModelFiles, Verdict, VerdictQuery } from "../../learning-store.ts";
import type { Session } from "../wire/session.ts";
import { ModelTable } from "./model-table.ts";
import { getNote } from "./note-table.ts";
import { countOtherSamples, countSamples, samplePage } from "./sample-table.ts";
import { listVerdicts } from "./verdict-table.ts";

/** See the top of this file. */
export abstract class PostgresLearningReads implements LearningReads {
  protected readonly instance: string;
  /** What samples' values mean, in order. */
  protected readonly features: readonly string[];

  constructor(instance: string, features: readonly string[]) {
    this.instance = instance;
    this.features = features;
  }

  /** Runs `work` on a session. Rejects with a `StoreError` when there is none or the work fails for it. */
  protected abstract use<T>(work: (session: Session) => Promise<T>): Promise<T>;

  samplePage(query: SampleQuery, from: number | null, rows: number): Promise<SamplePage> {
    return this.use((session) => samplePage(session, query, from, rows, this.features));
  }

  countSamples(pool: string): Promise<number> {
    return this.use((session) => countSamples(session, pool, this.features));
  }

  countOtherSamples(pool: string, sinceMs: number): Promise<number> {
    return this.use((session) => countOtherSamples(session, pool, sinceMs, this.features));
  }

  champion(pool: string): Promise<Model | null> {
    return this.#models((models) => models.champion(pool));
  }

  previousChampion(pool: string): Promise<Model | null> {
    return this.#models((models) => models.previousChampion(pool));
  }

  model(version: number): Promise<Model | null> {
    return this.#models((models) => models.get(version));
  }

  models(query: ModelQuery): Promise<Model[]> {
    return this.#models((models) => models.list(query));
  }

  modelFiles(version: number): Promise<StoredModelFiles | null> {
    return this.#models((models) => models.files(version));
  }

  verdicts(query: VerdictQuery): Promise<Verdict[]> {
    return this.use((session) => listVerdicts(session, query, this.instance));
  }

  note(pool: string, name: string): Promise<unknown> {
    return this.use((session) => getNote(session, this.instance, pool, name));
  }

  #models<T>(question: (models: ModelTable) => Promise<T>): Promise<T> {
    return this.use((session) => question(new ModelTable(session, this.instance)));
  }
}
