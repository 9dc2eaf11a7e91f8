/** How pools share a store's bounds: the same in every backend. */

/** How much a pool has. */
export interface PoolCount<Pool> {
  readonly pool: Pool;
  readonly count: number;
}

/**
 * What each pool has to give so that no more than `most` are left: those with the most give down to a common level, so that a
 * pool below its equal part gives nothing. With one pool, all that is too much.
 * @returns pools that give something, and how much.
 */
export function surplusByPool<Pool>(counts: readonly PoolCount<Pool>[], most: number): PoolCount<Pool>[] {
  const ascending = counts.toSorted((a, b) => a.count - b.count);
  let left = most;
  let pools = counts.length;
  const surplus: PoolCount<Pool>[] = [];
  for (const { pool, count } of ascending) {
    const part = Math.floor(left / pools--);
    const kept = Math.min(count, part);
    left -= kept;
    if (count > kept) surplus.push({ pool, count: count - kept });
  }
  return surplus;
}
