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

/** Where is counted what has no row. */
const NOWHERE = new Float64Array(MirrorWord.LENGTH);

/** One route's. */
export class MirrorTarget {
  readonly pool: ServerPool;
  /** `Host` for its servers, where the route has none of its own; null = the client's. */
  readonly host: Buffer | null;
  /** Of its requests, 0 … 1. */
  readonly share: number;
  readonly #keys: Float64Array;
  readonly #key: number;
  readonly #row: number;
  readonly #figures: Float64Array;

  /** @param row in the worker's block; -1 = there was none left. */
  constructor(pool: ServerPool, percent: number, columns: MirrorColumns, key: number, row: number) {
    this.pool = pool;
    this.host = hostOf(pool);
    this.share = percent / 100;
    this.#keys = columns.mirrorKeys;
    this.#key = key;
    this.#row = row;
    this.#figures = row < 0 ? NOWHERE : mirrorFigures(columns, row);
  }

  /**
   * By `MirrorWord`: the route's row in the worker's block. To be asked for whenever something is to be counted: the row may be
   * another route's by the time that a copy ends whose route is gone, and then nobody reads what is counted.
   */
  get figures(): Float64Array {
    return this.#keys[this.#row] === this.#key ? this.#figures : NOWHERE;
  }
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
    const key = mirrorKey(number, pool.settings.name);
    return new MirrorTarget(pool, percent, this.#columns, key, this.#rows.get(key) ?? -1);
  }
}
