/** What a worker counts of itself: the words of `WorkerBlock.counters`. shared-memory.ts places them. */

/** Words of a worker's counters (Float64, only ever growing unless in `WORKER_GAUGES`). Writer: that worker. */
export const WorkerCounter = {
  CONNECTIONS_ACCEPTED: 0,
  CONNECTIONS_OPEN: 1,
  TLS_HANDSHAKE_ERRORS: 2,
  REQUESTS: 3,
  /** Requests refused before a server was chosen: malformed, oversize, late. */
  REQUESTS_REFUSED: 4,
  BYTES_FROM_CLIENTS: 5,
  BYTES_TO_CLIENTS: 6,
  RETRIES: 7,
  RETRIES_DENIED_BY_BUDGET: 8,
  UPSTREAM_CONNECTS: 9,
  UPSTREAM_CONNECT_FAILURES: 10,
  UPSTREAM_REUSES: 11,
  /** Idle connections to servers that are kept. */
  UPSTREAM_IDLE: 12,
  /** Requests waiting for a server with room. */
  QUEUE_LENGTH: 13,
  QUEUE_TIMEOUTS: 14,
  QUEUE_REJECTED: 15,
  /** Open tunnels (WebSocket and other upgrades). */
  TUNNELS_OPEN: 16,
  TUNNELS_TOTAL: 17,
  /** Requests that the client gave up before the response was complete. */
  CLIENT_ABORTS: 18,
  /** Exceptions caught at the edge: each is a bug, fails one connection and is counted. */
  INTERNAL_ERRORS: 19,
  ACCESS_LOG_LINES: 20,
  ACCESS_LOG_DROPPED: 21,
  /** Connections refused by a limit. */
  CONNECTIONS_REJECTED: 22,
  /** Series that found no room in the table (counted under method="other", status 0). */
  SERIES_OVERFLOW: 23,
  HEDGES: 24,
  HEDGES_WON: 25,
  /** Resident set size, bytes. */
  RSS_BYTES: 26,
  /** Milliseconds since the epoch of the worker's last sign of life. */
  HEARTBEAT_MS: 27,
  /** 1 while lines of the access log are lost (a full disk, a reader that is gone or too slow). */
  ACCESS_LOG_FAILING: 28,
  /** 1 while connections are refused because descriptors are short. */
  DESCRIPTORS_SHORT: 29,
  /** Lines of the process's own log that could not be written. */
  LOG_DROPPED: 30,
  /** Open file descriptors of the process; 0 where the system does not tell. */
  DESCRIPTORS_OPEN: 31,
  /** Requests placed by `ml`, by `DecisionArm`: this word and the three behind it. */
  DECISIONS: 32,
  /** 1 while the runtime's sockets stand in for ours, which the system does not allow. */
  SOCKETS_DEGRADED: 36,
  /** Numbers in servers' load reports that were ignored because they cannot be true. */
  LOAD_REPORTS_IGNORED: 37,
  /** Responses that were compressed on the way to their client, and the bytes of their bodies before that. */
  RESPONSES_COMPRESSED: 38,
  COMPRESSED_BYTES: 39,
  /** And after that. */
  COMPRESSED_BYTES_SENT: 40,
  /** Responses that were not compressed because too many others were. */
  COMPRESSION_SKIPPED: 41,
  /** How often the worker stood still itself (`Standstills`), and for how long in all. */
  STANDSTILLS: 42,
  STANDSTILL_MS: 43,
  /** 1 while other workers cannot tell this one of places that they free. */
  WAKES_DEGRADED: 44,
  /** Requests whose first attempt was placed by what a model predicted. */
  ML_PREDICTED: 56,
  /** Attempts that a lower policy of `ml` placed because the one that should have could not be used, or was not trusted. */
  ML_FALLBACKS: 57,
  PROXY_HEADERS_REFUSED: 58,
  /** Of clients: connections of HTTP/2, and how many of them ended over what they sent, by rule or for its number. */
  HTTP2_CONNECTIONS: 59,
  HTTP2_PROTOCOL_ERRORS: 60,
  HTTP2_ABUSE: 61,
  /** Streams beyond the limit of their connection. */
  HTTP2_STREAMS_REFUSED: 62,
  /** Connections of HTTP/2 to servers that were made because others stood still. */
  UPSTREAM_STALLS: 63,
  LENGTH: 64,
} as const;

/** Those of `WorkerCounter` that say how it is now: a gauge as a metric, and cleared when the worker dies. */
export const WORKER_GAUGES: readonly number[] = [
  WorkerCounter.CONNECTIONS_OPEN,
  WorkerCounter.UPSTREAM_IDLE,
  WorkerCounter.QUEUE_LENGTH,
  WorkerCounter.TUNNELS_OPEN,
  WorkerCounter.RSS_BYTES,
  WorkerCounter.HEARTBEAT_MS,
  WorkerCounter.ACCESS_LOG_FAILING,
  WorkerCounter.DESCRIPTORS_SHORT,
  WorkerCounter.DESCRIPTORS_OPEN,
  WorkerCounter.SOCKETS_DEGRADED,
  WorkerCounter.WAKES_DEGRADED,
];
