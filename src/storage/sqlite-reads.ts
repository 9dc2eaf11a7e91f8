/** The reading half of a store in SQLite, whoever uses it. */
import type { Connection } from "./connection.ts";
import type {
  LearningReader,
  Model,
  Sample,
  SampleQuery,
  SampleScan,
  StoredModelFiles,
  Verdict,
  VerdictQuery,
} from "./learning-store.ts";

export abstract class SqliteReads implements LearningReader {
  /** Runs `work` on an open connection. Throws a `StoreError` when there is none or the work fails for it. */
  protected abstract use<T>(work: (connection: Connection) => T): T;
  abstract close(): Promise<void>;

  async readSamples(query: SampleQuery): Promise<SampleScan> {
    const skippedRows = this.use(({ samples }) => samples.countOthers(query.sinceMs));
    return { skippedRows, pages: this.#pages(query) };
  }

  async *#pages(query: SampleQuery): AsyncGenerator<readonly Sample[]> {
    let from: number | null = null;
    for (let left = query.limit; left > 0; ) {
      const { samples, next } = this.use(({ samples: table }) => {
        const start: number = from ?? table.start(query);
        return table.page(query, start, left);
      });
      if (samples.length === 0) return;
      yield samples;
      from = next;
      left -= samples.length;
    }
  }

  async countSamples(): Promise<number> {
    return this.use(({ samples }) => samples.count());
  }

  async champion(): Promise<Model | null> {
    return this.use(({ models }) => models.champion());
  }

  async previousChampion(): Promise<Model | null> {
    return this.use(({ models }) => models.previousChampion());
  }

  async model(version: number): Promise<Model | null> {
    return this.use(({ models }) => models.get(version));
  }

  async models({ limit }: { readonly limit: number }): Promise<Model[]> {
    return this.use(({ models }) => models.list(limit));
  }

  async modelFiles(version: number): Promise<StoredModelFiles | null> {
    return this.use(({ models }) => models.files(version));
  }

  async note(name: string): Promise<unknown> {
    return this.use(({ notes }) => notes.get(name));
  }

  async verdicts(query: VerdictQuery): Promise<Verdict[]> {
    return this.use(({ verdicts }) => verdicts.list(query));
  }
}
