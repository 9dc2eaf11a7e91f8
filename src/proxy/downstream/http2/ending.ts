/** How the response ends, once what waits of it has been sent. */
export const Ending = {
  /** It does not, as yet. */
  NONE: 0,
  /** In order. */
  END: 1,
  /** It broke off: only a reset shows that. */
  RESET: 2,
} as const;
/** One of them. */
export type Ending = (typeof Ending)[keyof typeof Ending];
