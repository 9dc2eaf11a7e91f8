/** Where a route mirrors its requests to, worked out. */
import type { Mirror, RouteSpec } from "../../protocol/route.ts";
import {
  assignMirrorRows,
  type MirrorColumns,
  MirrorWord,
  mirrorFigures,
  mirrorKey,
} from "../../shared/memory/mirror-table.ts";
import type { ServerPool } from "../pool/server-pool.ts";
import { hostOf } from "./host.ts";

/** One route's. */
export interface MirrorTarget {
  readonly pool: ServerPool;
  /** `Host` for its servers, where the route has none of its own; null = the client's. */
  readonly host: Buffer | null;
  /** Of its requests, 0 … 1. */
  readonly share: number;
  /** By `MirrorWord`: the route's row in the worker's block; one that nobody reads where there was no row left. */
  readonly figures: Float64Array;
}

/** What a worker's routes count mirrored requests in: rows for all of them are given at once. */
export class MirrorRows {
  readonly #columns: MirrorColumns;
  readonly #rows: ReadonlyMap<number, number>;

  constructor(columns: MirrorColumns, routes: readonly RouteSpec[]) {
    const keys = routes.flatMap(({ number, mirror }) => (mirror === null ? [] : [mirrorKey(number, mirror.pool)]));
    const rows = assignMirrorRows(columns, keys);
    this.#columns = columns;
    this.#rows = new Map(keys.map((key, index) => [key, rows[index]]));
  }

  /** Of the route with this number. @param pool that `mirror` names. */
  target(number: number, { percent }: Mirror, pool: ServerPool): MirrorTarget {
    const row = this.#rows.get(mirrorKey(number, pool.settings.name)) ?? -1;
    return {
      pool,
      host: hostOf(pool),
      share: percent / 100,
      figures: row < 0 ? new Float64Array(MirrorWord.LENGTH) : mirrorFigures(this.#columns, row),
    };
  }
}
