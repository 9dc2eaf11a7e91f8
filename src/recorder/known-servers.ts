/** Tells the store which servers there are, and the supervisor what is set for them there. */
import type { RecordedServer } from "../protocol/recorder.ts";
import type { EventRow, HistoryStore, KnownServer, ServerRow } from "../storage/history-store.ts";
import { StoreError } from "../storage/store-error.ts";
import type { Logger } from "../telemetry/log/logger.ts";

/** What it works with. */
export interface KnownServersOptions {
  readonly store: Pick<HistoryStore, "knowServers" | "servers" | "appendEvents">;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Tells the supervisor. */
  readonly tell: (rows: readonly ServerRow[]) => void;
}

export class KnownServers {
  readonly #options: KnownServersOptions;
  #known = "";
  #told = "";
  #busy = false;

  constructor(options: KnownServersOptions) {
    this.#options = options;
  }

  /**
   * Looks whether others than the last time are there, and whether something was set in the store. The store may not work:
   * then the next call tries again. Never rejects.
   */
  async look(present: readonly RecordedServer[]): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const servers = knownOf(present);
      const text = JSON.stringify(servers);
      const rows = text === this.#known ? await this.#options.store.servers() : await this.#know(servers);
      this.#known = text;
      const told = JSON.stringify(rows.map(({ lastSeenMs, ...row }) => row));
      if (told !== this.#told) this.#options.tell(rows);
      this.#told = told;
    } catch (error) {
      if (!(error instanceof StoreError)) this.#options.log.warn({ err: error }, "the store's servers cannot be read");
    } finally {
      this.#busy = false;
    }
  }

  async #know(servers: readonly KnownServer[]): Promise<readonly ServerRow[]> {
    const { store, log, wallMs } = this.#options;
    const { rows, undone } = await store.knowServers(servers);
    for (const row of undone) {
      const event = undoneEvent(row, wallMs());
      log.warn({ pool: row.pool, server: event.server }, event.message);
      store.appendEvents([event]);
    }
    return rows;
  }
}

/** A name with several addresses is one server. */
function knownOf(present: readonly RecordedServer[]): KnownServer[] {
  const known = new Map<string, KnownServer>();
  for (const { pool, hostname: host, port, weight, capacity } of present) {
    known.set(JSON.stringify([pool, host, port]), { pool, host, port, weight, capacity });
  }
  return [...known.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, server]) => server);
}

function undoneEvent({ pool, host, port, weight, capacity }: ServerRow, atMs: number): EventRow {
  const what = [weight === null ? [] : `weight ${weight}`, capacity === null ? [] : `capacity ${capacity}`].flat();
  const server = `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
  return {
    atMs,
    kind: "override",
    pool,
    server,
    address: "",
    actor: "balancer",
    message: `${what.join(" and ")} of ${server}, set in the store, is undone: the configuration has changed since, and wins`,
    detail: { weight, capacity },
  };
}
