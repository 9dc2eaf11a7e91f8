/** What happened, as those see it who do not record it. */
import type { HistoryReads, HistoryVisitor } from "./backend.ts";
import { HistoryPages } from "./history-pages.ts";

export class VisitedHistory extends HistoryPages {
  readonly #backend: HistoryVisitor;

  constructor(backend: HistoryVisitor) {
    super();
    this.#backend = backend;
  }

  protected override ask<T>(question: (backend: HistoryReads) => Promise<T>): Promise<T> {
    return question(this.#backend);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}
