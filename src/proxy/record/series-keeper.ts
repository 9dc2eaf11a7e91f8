/**
 * Gives up the request series of servers and routes that are gone, so that there is room for those that come: see
 * gone-series.ts. What a worker before this one has counted is looked after, too.
 */
import { GoneSince, SERIES_KEPT_MS } from "../../shared/memory/gone-series.ts";
import { FIRST_ROUTE_NUMBER, freeSeries, type SeriesColumns } from "../../shared/memory/series-table.ts";

/** How often it looks, milliseconds: some tenths of one are gone then. */
const LOOK_EVERY_MS = 30_000;

/** One worker's. */
export class SeriesKeeper {
  readonly #columns: SeriesColumns;
  /** Of the server table: who is in it has requests under way, if nothing else. */
  readonly #serverIds: Int32Array;
  readonly #servers: GoneSince;
  readonly #routes: GoneSince;
  #routeNumbers: ReadonlySet<number> = new Set();
  #dueMs = 0;

  /** @param keptMs how long series are kept of what is gone. */
  constructor(columns: SeriesColumns, serverIds: Int32Array, keptMs = SERIES_KEPT_MS) {
    this.#columns = columns;
    this.#serverIds = serverIds;
    this.#servers = new GoneSince(keptMs);
    this.#routes = new GoneSince(keptMs);
  }

  /** These are the routes from now on. */
  setRoutes(routes: readonly { readonly number: number }[]): void {
    this.#routeNumbers = new Set(routes.map(({ number }) => number));
  }

  /** To be called from time to time. @param nowMs monotonic. */
  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + LOOK_EVERY_MS;
    this.look(nowMs);
  }

  /** As `tick`, now. @returns how many were given up. */
  look(nowMs: number): number {
    const servers = this.#servers;
    const routes = this.#routes;
    servers.update(new Set(this.#serverIds), nowMs);
    routes.update(this.#routeNumbers, nowMs);
    return freeSeries(this.#columns, (route, serverId) => {
      const keepsServer = serverId === 0 || servers.isKeptSinceMet(serverId, nowMs);
      const keepsRoute = route < FIRST_ROUTE_NUMBER || routes.isKeptSinceMet(route, nowMs);
      return !keepsServer || !keepsRoute;
    });
  }
}
