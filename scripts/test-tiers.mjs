/** The tiers of tests: which folders each has, the longest that it may take on a busy machine, and
 * further arguments of `bun test`. */
export const TIERS = {
  /** No processes, no sockets, no waiting: what can be said of a unit alone. */
  unit: { folders: ["test/unit"], limitSeconds: 300, flags: ["--parallel"] },
  /** Real sockets and processes, one subject at a time. */
  integration: { folders: ["test/integration", "test/regressions", "test/fuzz", "test/e2e"], limitSeconds: 1200 },
  /** The whole product in trouble. */
  drill: { folders: ["test/drill"], limitSeconds: 1200 },
};
