/** Where a store is: one value, made from the configuration and handed on as it is, between processes as JSON. */

/** A directory with the embedded store's file in it. */
export interface SqliteLocation {
  readonly kind: "sqlite";
  /** As the operator wrote it, or absolute. */
  readonly directory: string;
}

/** One of the kinds of places that a store may be in; `src/storage/backends.ts` knows how each is opened. */
export type StoreLocation = SqliteLocation;

/** The options of the command line by which another process of ours finds the same store. */
export function locationOptions({ directory }: StoreLocation): string[] {
  return ["--data-dir", directory];
}
