/** What happened, for the one process that records it: see `BufferedPart`. */
import type { HistoryBackend, HistoryChange, HistoryReads, KnownServers } from "../backend.ts";
import { HistoryPages } from "../history-pages.ts";
import type { EventRow, GaugeRow, HistoryStore, KnownServer, MetricRow, RequestRow } from "../history-store.ts";
import type { StoreStatus } from "../learning-store.ts";
import { HISTORY_ROWS } from "../rows/row-kinds.ts";
import { type BufferedOptions, BufferedPart } from "./buffered-part.ts";

/** See the top of this file. */
export class BufferedHistory extends HistoryPages implements HistoryStore {
  readonly #part: BufferedPart<typeof HISTORY_ROWS, HistoryChange, KnownServers, HistoryBackend>;
  readonly #nowMs: () => number;

  constructor(options: BufferedOptions<HistoryBackend>) {
    super();
    this.#nowMs = options.nowMs;
    this.#part = new BufferedPart(HISTORY_ROWS, 0, options);
  }

  appendMetrics(rows: readonly MetricRow[]): void {
    this.#part.append("metrics", rows);
  }

  appendRequests(rows: readonly RequestRow[]): void {
    this.#part.append("requests", rows);
  }

  appendGauges(rows: readonly GaugeRow[]): void {
    this.#part.append("gauges", rows);
  }

  appendEvents(rows: readonly EventRow[]): void {
    this.#part.append("events", rows);
  }

  async knowServers(servers: readonly KnownServer[]): Promise<KnownServers> {
    return (await this.#part.change({ kind: "know_servers", servers, atMs: this.#nowMs() }))!;
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

  protected override ask<T>(question: (backend: HistoryReads) => Promise<T>): Promise<T> {
    return this.#part.ask(question);
  }
}
