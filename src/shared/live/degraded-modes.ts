/** Ways in which an instance may work with less than it should: labels of `neurabalancer_degraded`. docs/operations.md explains each. */
export const DEGRADED_MODES = [
  "panic",
  "no_servers",
  "workers",
  "learner",
  "model",
  "history",
  "tracing",
  "learning_store",
  "configuration",
  "certificates",
  "revocation_lists",
  "acme",
  "operations",
  "draining",
  "access_log",
  "log",
  "descriptors",
  "health_checks",
  "discovery",
  "sockets",
  "wakes",
  "rate_limits",
  "redis",
  "memory",
] as const;
/** One of them. */
export type DegradedMode = (typeof DEGRADED_MODES)[number];
