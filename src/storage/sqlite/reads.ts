/** The reading half of a backend in SQLite, whoever uses it. What is asked is done at once: no other call comes between. */
import type { BackendReads, SamplePage } from "../backend.ts";
import type { Model, ModelQuery, SampleQuery, StoredModelFiles, Verdict, VerdictQuery } from "../learning-store.ts";
import type { Connection } from "./connection.ts";

export abstract class SqliteReads implements BackendReads {
  /** Runs `work` on an open connection. Throws a `StoreError` when there is none or the work fails for it. */
  protected abstract use<T>(work: (connection: Connection) => T): T;

  async samplePage(query: SampleQuery, from: number | null, rows: number): Promise<SamplePage> {
    return this.use(({ rows: { samples } }) => samples.page(query, from, rows));
  }

  async countSamples(pool: string): Promise<number> {
    return this.use(({ rows }) => rows.samples.count(pool));
  }

  async countOtherSamples(pool: string, sinceMs: number): Promise<number> {
    return this.use(({ rows }) => rows.samples.countOthers(pool, sinceMs));
  }

  async champion(pool: string): Promise<Model | null> {
    return this.use(({ models }) => models.champion(pool));
  }

  async previousChampion(pool: string): Promise<Model | null> {
    return this.use(({ models }) => models.previousChampion(pool));
  }

  async model(version: number): Promise<Model | null> {
    return this.use(({ models }) => models.get(version));
  }

  async models(query: ModelQuery): Promise<Model[]> {
    return this.use(({ models }) => models.list(query));
  }

  async modelFiles(version: number): Promise<StoredModelFiles | null> {
    return this.use(({ models }) => models.files(version));
  }

  async verdicts(query: VerdictQuery): Promise<Verdict[]> {
    return this.use(({ rows }) => rows.verdicts.list(query));
  }

  async note(pool: string, name: string): Promise<unknown> {
    return this.use(({ notes }) => notes.get(pool, name));
  }
}
