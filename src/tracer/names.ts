/** What numbers in records mean to spans. What was told once stays known, for records that come after its end. */
import type { RecordedServer } from "../protocol/recorded-names.ts";
import type { TracedNames } from "../protocol/tracer.ts";
import { NO_POOL } from "../shared/memory/layout/history.ts";
import { Route } from "../shared/memory/series-table.ts";

/** Servers that are remembered, those that went long ago first forgotten. */
const MAX_SERVERS = 20_000;

/** A pool as spans name it. */
export interface TracedPool {
  readonly name: string;
  readonly strategy: string;
}

/** See the top of this file. */
export class TraceNames {
  readonly #servers = new Map<number, RecordedServer>();
  readonly #pools = new Map<number, string>();
  readonly #strategies = new Map<string, string>();
  readonly #routes = new Map<number, string>();

  constructor(names: TracedNames) {
    this.update(names);
  }

  update({ servers, pools, routes, strategies }: TracedNames): void {
    for (const server of servers) {
      this.#servers.delete(server.id); // the last told are the last forgotten
      this.#servers.set(server.id, server);
    }
    for (const id of this.#servers.keys()) {
      if (this.#servers.size <= MAX_SERVERS) break;
      this.#servers.delete(id);
    }
    for (const { row, name } of pools) this.#pools.set(row, name);
    for (const [pool, strategy] of Object.entries(strategies)) this.#strategies.set(pool, strategy);
    for (const { number, name } of routes) this.#routes.set(number, name);
  }

  /** `undefined` = it was not told yet. */
  server(id: number): RecordedServer | undefined {
    return this.#servers.get(id);
  }

  /** `undefined` = there is none, or it was not told yet. */
  pool(row: number): TracedPool | undefined {
    const name = row === NO_POOL ? undefined : this.#pools.get(row);
    return name === undefined ? undefined : { name, strategy: this.strategyOf(name) };
  }

  /** Empty = it was not told. */
  strategyOf(pool: string): string {
    return this.#strategies.get(pool) ?? "";
  }

  /** Empty where no route took the request. */
  route(number: number): string {
    return number === Route.INVALID || number === Route.NO_ROUTE ? "" : (this.#routes.get(number) ?? "");
  }
}
