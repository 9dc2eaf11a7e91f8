/** The tiers of tests: which folders each has, and the longest that it may take on a busy machine. */
export const TIERS = {
  /** No processes, no sockets, no waiting: what can be said of a unit alone. */
  unit: { folders: ["test/unit"], limitSeconds: 300 },
  /** Real sockets and processes, one subject at a time. */
  integration: { folders: ["test/integration", "test/regressions", "test/fuzz", "test/e2e"], limitSeconds: 1200 },
  /** The whole product in trouble. */
  drill: { folders: ["test/drill"], limitSeconds: 1200 },
};
