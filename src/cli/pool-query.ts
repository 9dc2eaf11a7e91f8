/** The admin API is told of a pool by its query. */

/** `?pool=…`, or nothing where no pool was named. */
export function poolQuery(pool: string | undefined): string {
  return pool === undefined ? "" : `?pool=${encodeURIComponent(pool)}`;
}
