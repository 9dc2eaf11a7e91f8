/** Which fields a line of the access log may have as JSON, in the order of the line, and what each says. */

/** By name. A field that has nothing to say is left out, but for `trace_id`. */
export const ACCESS_LOG_FIELDS = {
  ts: "When the request ended: RFC 3339 in UTC, with milliseconds.",
  request_id: "As in `X-Request-Id`, which the server gets, and the client with an error that is ours.",
  method: "Of the request, as the client sent it.",
  path: "Request target as the client sent it, with its query.",
  status: "499: the client left before it was answered.",
  grpc_status: "Of a call of gRPC: how that ended, as a number.",
  duration: 'From the first byte of the request to the last of the answer, as `"0.009013s"`.',
  duration_ms: "The same as a number of milliseconds.",
  remote_ip: "The client's address; behind `TRUSTED_PROXIES` the one that they tell.",
  server_id: "As in `/api/v1/servers` and the metrics; 0 = no server was chosen.",
  upstream: "Address and port of that server.",
  route: "Name of the route, where the configuration has routes.",
  pool: "Name of the pool, where the configuration has routes.",
  bytes: "Of the answer's body, as sent to the client.",
  attempts: "How many servers were tried, if more than one.",
  retries: "How many of them followed another one, if any.",
  queue_ms: "How long it waited for a place at a server.",
  connect_ms: "How long the connection to the server took, TLS included; 0 on one that was kept.",
  first_byte_ms: "From there on which the server was asked to the head of its answer, connecting included.",
  error: "Why the request failed, if it did: `connect_refused`.",
  error_source: "Whose fault that was: `client`, `upstream` or `internal`.",
  rate_limit: "Which rate limit refused the request, or would have without its dry run.",
  host: "Whom the client asked for: of the target, or of `Host`.",
  user_agent: "`User-Agent`.",
  referer: "`Referer`.",
  protocol: "`HTTP/1.1`, `HTTP/1.0` or `HTTP/2.0`.",
  tls_version: "Of the client's connection, as `TLSv1.3`.",
  client_subject:
    "Whose certificate the client has shown, where it was asked and one was verified: `CN=alice, O=Example`.",
  client_fingerprint: "SHA-256 of that certificate, in hexadecimal digits.",
  trace_id: "The trace that the request is part of; empty = none.",
  span_id: "Our span in it, while traces are exported.",
  trace_flags: "`01` = the trace is sampled.",
} as const;

/** The name of a field. */
export type AccessLogField = keyof typeof ACCESS_LOG_FIELDS;

/** All names, in the order of the line. */
export const ACCESS_LOG_FIELD_NAMES = Object.freeze(Object.keys(ACCESS_LOG_FIELDS) as AccessLogField[]);

/** Not among the default ones: where somebody came from is private and long, and the protocol hardly ever differs. */
const BY_WISH: ReadonlySet<AccessLogField> = new Set(["referer", "protocol"]);

/** Those of a line that nobody chose. */
export const DEFAULT_ACCESS_LOG_FIELDS = Object.freeze(ACCESS_LOG_FIELD_NAMES.filter((name) => !BY_WISH.has(name)));

/** How a line may look. */
export const ACCESS_LOG_FORMATS = ["json", "text", "common", "combined"] as const;

/** One of `ACCESS_LOG_FORMATS`. */
export type AccessLogFormat = (typeof ACCESS_LOG_FORMATS)[number];
