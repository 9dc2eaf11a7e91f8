/**
 * Everything that can go wrong with a request, in one table: what the client is told, what `Proxy-Status` (RFC 9209) and
 * the log say, whose fault it was, and whether another server may be tried.
 */

/** Whose fault a failure is. Only `upstream` counts against a server. */
export type FailureSource = "client" | "upstream" | "internal";

export interface Failure {
  /** The log field `error`, and the `code` of the JSON response. */
  readonly code: string;
  /** Status of the response; 0 = none can be sent (the client is gone). */
  readonly status: number;
  readonly source: FailureSource;
  /** Error type of RFC 9209 section 2.3. */
  readonly proxyError: string;
  /** Another attempt may help, as far as the request allows one (see exchange/attempts/retries.ts). */
  readonly retryable: boolean;
  /** For the person who reads the response. */
  readonly message: string;
}

function failure(
  code: string,
  status: number,
  source: FailureSource,
  proxyError: string,
  retryable: boolean,
  message: string,
): Failure {
  return Object.freeze({ code, status, source, proxyError, retryable, message });
}

/** Every failure, but those of the parsers: see `refusedRequest`. */
export const Failures = {
  CONNECT_REFUSED: failure(
    "connect_refused",
    502,
    "upstream",
    "connection_refused",
    true,
    "the server refused the connection",
  ),
  CONNECT_TIMEOUT: failure(
    "connect_timeout",
    504,
    "upstream",
    "connection_timeout",
    true,
    "the server did not accept the connection in time",
  ),
  CONNECT_FAILED: failure(
    "connect_failed",
    502,
    "upstream",
    "destination_unavailable",
    true,
    "the server cannot be reached",
  ),
  TLS_FAILED: failure(
    "upstream_tls_failed",
    502,
    "upstream",
    "tls_protocol_error",
    true,
    "the TLS handshake with the server failed",
  ),
  TLS_CERTIFICATE: failure(
    "upstream_certificate_invalid",
    502,
    "upstream",
    "tls_certificate_error",
    true,
    "the server's certificate could not be verified",
  ),
  /** Certificates are looked at last in TLS 1.3: a server that does not like ours says so when the request is sent already. */
  TLS_REFUSED: failure(
    "upstream_tls_refused",
    502,
    "upstream",
    "tls_alert_received",
    true,
    "the server refused the TLS connection: it may want a certificate, or another one",
  ),
  /** Said before anything is sent: by ALPN, or because what it sends first are no SETTINGS. */
  NOT_HTTP2: failure(
    "upstream_not_http2",
    502,
    "upstream",
    "http_protocol_error",
    true,
    "the server does not speak HTTP/2, as its URL says that it does",
  ),
  /** It has not looked at the request (RFC 9113 section 8.7). */
  STREAM_REFUSED: failure(
    "stream_refused",
    502,
    "upstream",
    "connection_limit_reached",
    true,
    "the server refused the request before looking at it",
  ),
  /** A kept connection that the server had closed: nothing to hold against it. */
  STALE_CONNECTION: failure(
    "stale_connection",
    502,
    "upstream",
    "connection_terminated",
    true,
    "the server closed the connection as the request was sent",
  ),
  CLOSED_BEFORE_RESPONSE: failure(
    "closed_before_response",
    502,
    "upstream",
    "connection_terminated",
    true,
    "the server closed the connection without an answer",
  ),
  TRY_TIMEOUT: failure(
    "try_timeout",
    504,
    "upstream",
    "http_response_timeout",
    true,
    "the server did not answer within the time of one attempt",
  ),
  RESPONSE_TIMEOUT: failure(
    "response_timeout",
    504,
    "upstream",
    "http_response_timeout",
    false,
    "the server did not answer in time",
  ),
  REQUEST_WRITE_TIMEOUT: failure(
    "upstream_write_timeout",
    504,
    "upstream",
    "connection_write_timeout",
    false,
    "the server stopped reading the request",
  ),
  BAD_RESPONSE: failure(
    "bad_response",
    502,
    "upstream",
    "http_protocol_error",
    false,
    "the server's answer is not valid HTTP",
  ),
  UNEXPECTED_UPGRADE: failure(
    "unexpected_upgrade",
    502,
    "upstream",
    "http_upgrade_failed",
    false,
    "the server switched protocols without being asked",
  ),
  RESPONSE_TRUNCATED: failure(
    "response_truncated",
    502,
    "upstream",
    "http_response_incomplete",
    false,
    "the server closed the connection in the middle of its answer",
  ),
  RESPONSE_BODY_TIMEOUT: failure(
    "response_body_timeout",
    504,
    "upstream",
    "connection_read_timeout",
    false,
    "the server's answer stopped making progress",
  ),
  /** `grpc-timeout`: how long that is, is the client's choice, so it says nothing of the server. */
  DEADLINE_EXCEEDED: failure(
    "deadline_exceeded",
    504,
    "client",
    "http_response_timeout",
    false,
    "the call was not over within the time that its client gave it",
  ),
  NO_SERVER: failure(
    "no_server_available",
    503,
    "internal",
    "destination_unavailable",
    false,
    "no healthy server is available",
  ),
  QUEUE_FULL: failure(
    "queue_full",
    503,
    "internal",
    "connection_limit_reached",
    false,
    "all servers are at capacity and the queue is full",
  ),
  /** Earlier than `QUEUE_TIMEOUT`, so that those behind it are served soon. */
  QUEUE_SHED: failure(
    "queue_shed",
    503,
    "internal",
    "connection_limit_reached",
    false,
    "all servers have been at capacity for a while, and more requests come than they can serve",
  ),
  QUEUE_TIMEOUT: failure(
    "queue_timeout",
    503,
    "internal",
    "connection_limit_reached",
    false,
    "all servers stayed at capacity",
  ),
  AUTH_UNAVAILABLE: failure(
    "auth_unavailable",
    503,
    "internal",
    "destination_unavailable",
    false,
    "the server that says who may pass did not answer",
  ),
  CLIENT_DENIED: failure(
    "client_denied",
    403,
    "client",
    "http_request_denied",
    false,
    "requests from this address are not served here",
  ),
  RATE_LIMITED: failure(
    "rate_limited",
    429,
    "client",
    "http_request_denied",
    false,
    "there were more requests than a limit allows: try again later",
  ),
  HOST_REQUIRED: failure(
    "host_required",
    400,
    "client",
    "http_request_error",
    false,
    "this address is redirected, and the request does not say on which host it is",
  ),
  NO_ROUTE: failure(
    "no_route",
    404,
    "internal",
    "destination_not_found",
    false,
    "nothing is configured for this host and path",
  ),
  AMBIGUOUS_PATH: failure(
    "ambiguous_path",
    400,
    "client",
    "http_request_denied",
    false,
    "the path can be read in several ways that lead to different places",
  ),
  OVERLOADED: failure(
    "overloaded",
    503,
    "internal",
    "connection_limit_reached",
    false,
    "the connection limit is reached",
  ),
  CLIENT_ABORTED: failure("client_aborted", 0, "client", "http_request_error", false, "the client went away"),
  CLIENT_WRITE_TIMEOUT: failure(
    "client_write_timeout",
    0,
    "client",
    "connection_write_timeout",
    false,
    "the client stopped reading the answer",
  ),
  CONNECTION_AGE: failure(
    "connection_age",
    503,
    "client",
    "connection_terminated",
    false,
    "the connection has reached its greatest age, and the request did not end in the time to finish",
  ),
  REQUEST_HEAD_TIMEOUT: failure(
    "request_head_timeout",
    408,
    "client",
    "http_request_error",
    false,
    "the request head did not arrive in time",
  ),
  REQUEST_BODY_TIMEOUT: failure(
    "request_body_timeout",
    408,
    "client",
    "http_request_error",
    false,
    "the request body stopped making progress",
  ),
  STREAM_ERROR: failure(
    "stream_error",
    400,
    "client",
    "http_protocol_error",
    false,
    "the client broke a rule of HTTP/2 on this stream",
  ),
  REQUEST_TRUNCATED: failure(
    "request_truncated",
    400,
    "client",
    "http_request_error",
    false,
    "the connection was closed in the middle of the request",
  ),
  BODY_TOO_LARGE: failure(
    "body_too_large",
    413,
    "client",
    "http_request_denied",
    false,
    "the request body is larger than this proxy allows",
  ),
  METHOD_NOT_ALLOWED: failure(
    "method_not_allowed",
    405,
    "client",
    "http_request_denied",
    false,
    "this path answers GET and HEAD only",
  ),
  FLEET_STATUS_DENIED: failure(
    "fleet_status_denied",
    403,
    "client",
    "http_request_denied",
    false,
    "this is not shown to everyone here (FLEET_STATUS)",
  ),
  SERVER_NOT_SHOWN: failure(
    "server_not_shown",
    404,
    "client",
    "destination_not_found",
    false,
    "single servers are shown and changed at the admin port alone",
  ),
  ADMIN_UNAVAILABLE: failure(
    "admin_unavailable",
    503,
    "internal",
    "proxy_internal_error",
    false,
    "the control process does not answer",
  ),
  ADMIN_BUSY: failure(
    "admin_busy",
    503,
    "internal",
    "proxy_internal_response",
    false,
    "too many clients ask for this path",
  ),
  INTERNAL: failure("internal_error", 500, "internal", "proxy_internal_error", false, "an error inside the proxy"),
} as const;

/** Is it a failure, and not a response? */
export function isFailure(what: object): what is Failure {
  return "proxyError" in what;
}

/** The failure for a request that the parser refused. */
export function refusedRequest(status: number, code: string, message: string): Failure {
  return failure(code, status, "client", "http_request_error", false, message);
}
