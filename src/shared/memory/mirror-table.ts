/**
 * What became of mirrored requests, in one worker's block: a row for each route that mirrors and the pool that it mirrors to.
 * Writer: that worker, alone. Readers: whoever renders metrics; a key becomes visible after its figures were zeroed.
 */
import { rowKey } from "./row-key.ts";

/** Rows of a worker's table: so many routes may mirror at a time. */
export const MIRROR_ROWS = 64;
/** Upper bounds of the latency buckets, seconds; one more bucket is for what is beyond them. */
export const MIRROR_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const BUCKETS = MIRROR_BOUNDS.length + 1;

/** Figures of a row (Float64): they only grow. */
export const MirrorWord = {
  /** The mirror's response came, to its end or as far as anybody would read it. */
  COMPLETED: 0,
  /** No response came, or it broke off. */
  FAILED: 1,
  /** Not mirrored: its body did not come whole with its head, or is too long. */
  SKIPPED_BODY: 2,
  /** Not mirrored: as many are under way as may be. */
  SKIPPED_BUSY: 3,
  /** Not mirrored: no server of the pool can take it. */
  SKIPPED_NO_SERVER: 4,
  /** Not mirrored: it asks for another protocol. */
  SKIPPED_UPGRADE: 5,
  // Of those that both got a response:
  SAME_STATUS: 6,
  OTHER_STATUS: 7,
  /** Milliseconds to the response head, of the requests themselves. */
  PRIMARY_LATENCY_SUM_MS: 8,
  /** As above, of what was mirrored. */
  MIRROR_LATENCY_SUM_MS: 9,
  /** As a histogram by `MIRROR_BOUNDS`, not cumulative. */
  PRIMARY_LATENCY: 10,
  MIRROR_LATENCY: 10 + BUCKETS,
  LENGTH: 40,
} as const;

/** The columns of a worker's block that this is about. */
export interface MirrorColumns {
  /** Keys of the rows; 0 = free. */
  readonly mirrorKeys: Float64Array;
  /** `[MIRROR_ROWS × MirrorWord.LENGTH]` */
  readonly mirrorFigures: Float64Array;
}

/** The key of a route's row: the route's number, and the pool by its name, for another pool has other figures. */
export function mirrorKey(route: number, pool: string): number {
  return rowKey(route, pool);
}

/**
 * Gives each of `keys` a row, the one that it has if it has one; rows of others are taken when there is no free one.
 * @returns rows in the order of the keys; -1 = there is none left.
 */
export function assignMirrorRows(columns: MirrorColumns, keys: readonly number[]): number[] {
  const { mirrorKeys } = columns;
  return keys.map((key) => {
    const own = mirrorKeys.indexOf(key);
    if (own >= 0) return own;
    const free = mirrorKeys.indexOf(0);
    const row = free >= 0 ? free : mirrorKeys.findIndex((other) => !keys.includes(other));
    if (row >= 0) {
      mirrorKeys[row] = 0;
      mirrorFigures(columns, row).fill(0);
      mirrorKeys[row] = key;
    }
    return row;
  });
}

/** The figures of a row. */
export function mirrorFigures({ mirrorFigures }: MirrorColumns, row: number): Float64Array {
  return mirrorFigures.subarray(row * MirrorWord.LENGTH, (row + 1) * MirrorWord.LENGTH);
}

/** The bucket that a latency is counted in. */
export function mirrorBucket(latencyMs: number): number {
  let at = 0;
  while (at < MIRROR_BOUNDS.length && latencyMs > MIRROR_BOUNDS[at] * 1000) at++;
  return at;
}
