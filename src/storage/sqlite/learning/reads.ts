/** The reading half of what is learned in SQLite, whoever uses it. What is asked is done at once: no other call comes between. */
import type { LearningReads, SamplePage } from "../../backend.ts";
import type { Model, ModelQuery, SampleQuery, StoredModelFiles, Verdict, VerdictQuery } from "../../learning-store.ts";
import type { Connection } from "../connection.ts";
import type { LearningTables } from "./part.ts";

/** See the top of this file. */
export abstract class SqliteLearningReads implements LearningReads {
  /** Runs `work` on an open connection. Rejects with a `StoreError` when there is none or the work fails for it. */
  protected abstract use<T>(work: (connection: Connection<LearningTables>) => T): Promise<T>;

  samplePage(query: SampleQuery, from: number | null, rows: number): Promise<SamplePage> {
    return this.use(({ tables }) => tables.rows.samples.page(query, from, rows));
  }

  countSamples(pool: string): Promise<number> {
    return this.use(({ tables }) => tables.rows.samples.count(pool));
  }

  countOtherSamples(pool: string, sinceMs: number): Promise<number> {
    return this.use(({ tables }) => tables.rows.samples.countOthers(pool, sinceMs));
  }

  champion(pool: string): Promise<Model | null> {
    return this.use(({ tables }) => tables.models.champion(pool));
  }

  previousChampion(pool: string): Promise<Model | null> {
    return this.use(({ tables }) => tables.models.previousChampion(pool));
  }

  model(version: number): Promise<Model | null> {
    return this.use(({ tables }) => tables.models.get(version));
  }

  models(query: ModelQuery): Promise<Model[]> {
    return this.use(({ tables }) => tables.models.list(query));
  }

  modelFiles(version: number): Promise<StoredModelFiles | null> {
    return this.use(({ tables }) => tables.models.files(version));
  }

  verdicts(query: VerdictQuery): Promise<Verdict[]> {
    return this.use(({ tables }) => tables.rows.verdicts.list(query));
  }

  note(pool: string, name: string): Promise<unknown> {
    return this.use(({ tables }) => tables.notes.get(pool, name));
  }
}
