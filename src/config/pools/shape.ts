/** What the file says of a pool: its servers, and sections of settings with values of its own. */
import { type ReadOf, struct } from "../shapes/shape.ts";

/** One pool. */
export const POOL = struct({}, "pool");

/** A pool as it was read. */
export type PoolBlock = ReadOf<typeof POOL>;
