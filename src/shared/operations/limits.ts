/** How much of operations is kept at most. */

/** Overrides of one store: more than anybody sets by hand. */
export const MAX_OVERRIDES = 1000;
/** All of them together, as they are written. */
export const MAX_OVERRIDES_BYTES = 1024 * 1024;
/** Of a reason, in characters. */
export const MAX_REASON = 500;
