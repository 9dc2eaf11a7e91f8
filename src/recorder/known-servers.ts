/** Tells the store which servers there are, and the supervisor what is set for them there. */
import type { RecordedServer } from "../protocol/recorded-names.ts";
import type { HistoryStore, KnownServer, ServerRow } from "../storage/history-store.ts";
import { StoreError } from "../storage/store-error.ts";
import type { Logger } from "../telemetry/log/logger.ts";

/** Tells the supervisor what the store says of servers, and which overrides the configuration has overruled, as they were. */
export type TellServers = (rows: readonly ServerRow[], undone: readonly ServerRow[]) => void;

/** What it works with. */
export interface KnownServersOptions {
  readonly store: Pick<HistoryStore, "knowServers" | "servers">;
  readonly log: Logger;
  readonly tell: TellServers;
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
  async look(latest: readonly RecordedServer[]): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const servers = knownOf(latest);
      const text = JSON.stringify(servers);
      const { store, tell } = this.#options;
      const isKnown = text === this.#known;
      const { rows, undone } = isKnown ? { rows: await store.servers(), undone: [] } : await store.knowServers(servers);
      this.#known = text;
      const told = JSON.stringify(rows.map(({ lastSeenMs, ...row }) => row));
      if (told !== this.#told || undone.length > 0) tell(rows, undone);
      this.#told = told;
    } catch (error) {
      if (!(error instanceof StoreError)) this.#options.log.warn({ err: error }, "the store's servers cannot be read");
    } finally {
      this.#busy = false;
    }
  }
}

/** Those that are configured now; a name with several addresses is one server. */
function knownOf(latest: readonly RecordedServer[]): KnownServer[] {
  const known = new Map<string, KnownServer>();
  for (const { pool, hostname: host, port, weight, capacity, present } of latest) {
    if (present) known.set(JSON.stringify([pool, host, port]), { pool, host, port, weight, capacity });
  }
  return [...known.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, server]) => server);
}
