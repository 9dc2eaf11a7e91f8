/** Of which servers and routes request series are shown: of those that there are, and of those that went a short while ago. */
import { GoneSince, SERIES_SHOWN_MS } from "../../shared/memory/gone-series.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { FIRST_ROUTE_NUMBER } from "../../shared/memory/series-table.ts";

/** May a series of this route and server be shown? @param serverId 0 = no server was chosen. */
export type ShowsSeries = (route: number, serverId: number) => boolean;

/** One instance's. */
export class ShownSeries {
  readonly #memory: SharedMemory;
  readonly #nowMs: () => number;
  readonly #servers: GoneSince;
  readonly #routes: GoneSince;

  /** @param nowMs monotonic clock. @param shownMs how long series are shown of what is gone. */
  constructor(memory: SharedMemory, nowMs: () => number, shownMs = SERIES_SHOWN_MS) {
    this.#memory = memory;
    this.#nowMs = nowMs;
    this.#servers = new GoneSince(shownMs);
    this.#routes = new GoneSince(shownMs);
  }

  /** Call it before workers hear that servers or routes are gone, and every minute. @param routes their numbers. */
  update(routes: readonly number[]): void {
    const nowMs = this.#nowMs();
    this.#servers.update(new Set(this.#memory.servers.id), nowMs);
    this.#routes.update(new Set(routes), nowMs);
  }

  /** As it is now. */
  get shows(): ShowsSeries {
    const nowMs = this.#nowMs();
    return (route, serverId) =>
      (serverId === 0 || this.#servers.isKept(serverId, nowMs)) &&
      (route < FIRST_ROUTE_NUMBER || this.#routes.isKept(route, nowMs));
  }
}
