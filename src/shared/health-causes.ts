/** Why a health check failed, could not be made, or a server was ejected: short words that do not change, for metrics and programs. */

/** Of checks that failed. Names are looked up elsewhere (discovery): a check goes to an address. */
export const CHECK_FAILURES = [
  /** Nothing listens there. */
  "refused",
  /** No complete response in time; no connection in time among them. */
  "timeout",
  /** No way to the address. */
  "unreachable",
  /** The connection was reset, or closed before the response was complete. */
  "closed",
  /** The TLS handshake broke off, or the certificate is not believed. */
  "tls",
  /** A response, with a status that a healthy server does not have. */
  "status",
  /** Its status was good, and its body lacked the text that it should have. */
  "body",
  /** What came is no HTTP/1.1, or more than a response to a check may be. */
  "response",
  "other",
] as const;
/** One of them. */
export type CheckFailure = (typeof CHECK_FAILURES)[number];

/** Of checks that could not be made: each is something of our own. */
export const CHECK_SKIPS = [
  "descriptors",
  /** Local ports. */
  "ports",
  "memory",
  /** The process did not get to run for so long that it knows nothing of the response. */
  "cpu",
] as const;
/** One of them. */
export type CheckSkip = (typeof CHECK_SKIPS)[number];

/** Of ejections. */
export const EJECTION_CAUSES = [
  /** So many failures in a row. */
  "consecutive_failures",
  /** Too large a share of its responses. */
  "failure_share",
  /** Its responses take too long, compared with the others'. */
  "latency",
  /** It had just come back, and failed again. */
  "probation",
  /** More than half of the instances of the cluster have it out. */
  "cluster",
] as const;
/** One of them. */
export type EjectionCause = (typeof EJECTION_CAUSES)[number];
