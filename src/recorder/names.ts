/** What the numbers in records mean. What was told once stays known, for records that come after its end. */
import type { RecordedNames, RecordedServer } from "../protocol/recorded-names.ts";
import { NO_POOL } from "../shared/memory/layout/history.ts";
import { FIRST_ROUTE_NUMBER, ROUTES } from "../shared/memory/series-table.ts";
import { historyName } from "../shared/server-name.ts";

/** Servers that are remembered, those that went long ago first forgotten: some megabytes. */
const MAX_SERVERS = 20_000;

/** A server as rows name it. */
export interface ServerName {
  readonly pool: string;
  /** `host:port`. */
  readonly server: string;
  /** Where it is reached; empty where `server` says it. */
  readonly address: string;
}

export class Names {
  readonly #servers = new Map<number, ServerName>();
  readonly #pools = new Map<number, string>();
  readonly #routes = new Map<number, string>();
  #latest: readonly RecordedServer[] = [];

  constructor(names: RecordedNames) {
    this.update(names);
  }

  /** The servers that were told last: those that there are now, and those that finish what they have. */
  get latest(): readonly RecordedServer[] {
    return this.#latest;
  }

  update({ servers, pools, routes }: RecordedNames): void {
    this.#latest = servers;
    for (const server of servers) {
      this.#servers.delete(server.id); // the last told are the last forgotten
      this.#servers.set(server.id, nameOf(server));
    }
    for (const id of this.#servers.keys()) {
      if (this.#servers.size <= MAX_SERVERS) break;
      this.#servers.delete(id);
    }
    for (const { row, name } of pools) this.#pools.set(row, name);
    for (const { number, name } of routes) this.#routes.set(number, name);
  }

  /** `undefined` = it was not told yet. */
  server(id: number): ServerName | undefined {
    return this.#servers.get(id);
  }

  /** Empty for none. */
  pool(row: number): string | undefined {
    return row === NO_POOL ? "" : this.#pools.get(row);
  }

  route(number: number): string | undefined {
    return this.#routes.get(number) ?? (number < FIRST_ROUTE_NUMBER ? ROUTES[number] : undefined);
  }
}

/** How rows name a server. */
export function nameOf(server: RecordedServer): ServerName {
  return { pool: server.pool, ...historyName(server) };
}
