/** The paths that are the balancer's own on the public port, unless `RESERVED_PATHS` is off: everybody has them from here. */

/** By name. All but one are answered for everyone, here or by the control process. */
export const ReservedPath = {
  /** Passed on like every other path, without this prefix. */
  API_REQUEST: "/api/v1/request",
  HEALTH_LIVE: "/health/live",
  HEALTH_READY: "/health/ready",
  METRICS: "/metrics",
  SERVERS: "/api/v1/servers",
} as const;
