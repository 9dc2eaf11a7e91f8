/** What a store has parts for: each is written by one process of an instance. */

/** Parts of a store. */
export const STORE_PARTS = ["learning", "history"] as const;
/** One of them. */
export type StorePart = (typeof STORE_PARTS)[number];
