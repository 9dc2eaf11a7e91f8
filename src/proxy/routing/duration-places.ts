/** Where a worker's routes count how long their requests took. */
import { apiRequestPair, durationPair, durationPairs } from "../../protocol/duration-pairs.ts";
import type { RouteSpec } from "../../protocol/route.ts";
import {
  assignDurationRows,
  type DurationColumns,
  type DurationPair,
  type DurationPlace,
  durationKey,
  OTHER_ROW,
} from "../../shared/memory/duration-table.ts";

/** A target's. */
export interface TargetPlaces {
  readonly place: DurationPlace;
  /** Of requests that came with the prefix for requests. */
  readonly apiPlace: DurationPlace;
}

/** Rows for all routes are given at once. */
export class DurationPlaces {
  readonly #rows: ReadonlyMap<number, number>;

  /** @param exemplars traces are exported: rows have examples, too. */
  constructor(columns: DurationColumns, routes: readonly RouteSpec[], exemplars: boolean) {
    const keys = durationPairs(routes).map(durationKey);
    const rows = assignDurationRows(columns, keys, exemplars);
    this.#rows = new Map(keys.map((key, index) => [key, rows[index]]));
  }

  /** Of a route's requests to this pool; "" = to none. */
  of(route: RouteSpec, pool: string): TargetPlaces {
    return { place: this.#place(durationPair(route, pool)), apiPlace: this.#place(apiRequestPair(pool)) };
  }

  #place(pair: DurationPair): DurationPlace {
    const key = durationKey(pair);
    return { row: this.#rows.get(key) ?? OTHER_ROW, key };
  }
}
