/** How the requests of a route are shared. */

/** Weights by the name of the pool, relative to each other. */
export type Shares = Readonly<Record<string, number>>;
