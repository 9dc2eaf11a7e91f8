/** The reading half of every store: what its users ask, put to a backend. */
import type { LearningReads, SamplePage } from "./backend.ts";
import type {
  LearningReader,
  Model,
  ModelQuery,
  Sample,
  SampleQuery,
  SampleScan,
  StoredModelFiles,
  Verdict,
  VerdictQuery,
} from "./learning-store.ts";

/** Rows of a page: about 1 MB of objects. */
const PAGE_ROWS = 2_000;

/** See the top of this file. */
export abstract class StoreReader implements LearningReader {
  /** Puts one question to the backend. */
  protected abstract ask<T>(question: (backend: LearningReads) => Promise<T>): Promise<T>;
  abstract close(): Promise<void>;

  async readSamples(query: SampleQuery): Promise<SampleScan> {
    const skippedRows = await this.ask((backend) => backend.countOtherSamples(query.pool, query.sinceMs ?? 0));
    return { skippedRows, pages: this.#pages(query) };
  }

  async *#pages(query: SampleQuery): AsyncGenerator<readonly Sample[]> {
    let from: number | null = null;
    for (let left = query.limit; left > 0; ) {
      const rows = Math.min(left, PAGE_ROWS);
      const start: number | null = from;
      const { samples, next }: SamplePage = await this.ask((backend) => backend.samplePage(query, start, rows));
      if (samples.length === 0) return;
      yield samples;
      from = next;
      left -= samples.length;
    }
  }

  countSamples(pool: string): Promise<number> {
    return this.ask((backend) => backend.countSamples(pool));
  }

  champion(pool: string): Promise<Model | null> {
    return this.ask((backend) => backend.champion(pool));
  }

  previousChampion(pool: string): Promise<Model | null> {
    return this.ask((backend) => backend.previousChampion(pool));
  }

  model(version: number): Promise<Model | null> {
    return this.ask((backend) => backend.model(version));
  }

  models(query: ModelQuery): Promise<Model[]> {
    return this.ask((backend) => backend.models(query));
  }

  modelFiles(version: number): Promise<StoredModelFiles | null> {
    return this.ask((backend) => backend.modelFiles(version));
  }

  verdicts(query: VerdictQuery): Promise<Verdict[]> {
    return this.ask((backend) => backend.verdicts(query));
  }

  note(pool: string, name: string): Promise<unknown> {
    return this.ask((backend) => backend.note(pool, name));
  }
}
