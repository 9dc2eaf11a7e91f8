/** What happened in SQLite for the process that records it. */
import type { HistoryBackend, HistoryChange, HistoryOptions, KnownServers, StoreWrite } from "../../backend.ts";
import type { HistoryRows } from "../../rows/row-kinds.ts";
import type { StoreError } from "../../store-error.ts";
import type { Connection } from "../connection.ts";
import { SqliteOwner } from "../owner.ts";
import type { StoreSource } from "../store-file.ts";
import { HISTORY_PART, type HistoryTables } from "./part.ts";
import { SqliteHistoryReads } from "./reads.ts";
import { keepWithin } from "./retention.ts";

/** See the top of this file. */
export class SqliteHistory extends SqliteHistoryReads implements HistoryBackend {
  readonly #owner: SqliteOwner<HistoryTables>;
  readonly #options: HistoryOptions;

  constructor(source: StoreSource<HistoryTables>, options: HistoryOptions) {
    super();
    this.#owner = new SqliteOwner(source, HISTORY_PART, "the history");
    this.#options = options;
  }

  get durable(): boolean {
    return this.#owner.durable;
  }

  get bytes(): number {
    return this.#owner.bytes;
  }

  open(): Promise<void> {
    return this.#owner.open();
  }

  async write({ rows, change, probe }: StoreWrite<HistoryRows, HistoryChange>): Promise<KnownServers | null> {
    const { instance, limits, nowMs } = this.#options;
    let written: HistoryTables | null = null;
    try {
      return await this.#owner.write({
        probe,
        write: (tables) => {
          written = tables;
          tables.metrics.insert(instance, rows.metrics);
          tables.requests.insert(instance, rows.requests);
          tables.gauges.insert(instance, rows.gauges);
          tables.events.insert(instance, rows.events);
          return change === null ? null : tables.servers.know(change);
        },
        bound: (connection) => keepWithin(limits, nowMs(), connection),
      });
    } catch (error) {
      (written as HistoryTables | null)?.series.forget();
      throw error;
    }
  }

  mend(failure: StoreError): Promise<void> {
    return this.#owner.mend(failure);
  }

  close(): Promise<void> {
    return this.#owner.close();
  }

  protected override use<T>(work: (connection: Connection<HistoryTables>) => T): Promise<T> {
    return this.#owner.use(work);
  }
}
