/** Settings of the request path: timeouts, limits, retries, the queue, connections to servers. */

import { optional, setting } from "../setting.ts";
import { cidrList, hostName } from "../values/addresses.ts";
import { grpcStatuses } from "../values/grpc-statuses.ts";
import { hostField } from "../values/header-fields.ts";
import { retryStatuses } from "../values/retry-statuses.ts";
import { secretKeys } from "../values/secret-keys.ts";
import { integer, milliseconds, oneOf, path, seconds, size, text, toggle, tokenText } from "../values/value-types.ts";

const DAY_MS = 86_400_000;
const COUNT = integer(0, 1_000_000_000);

/** Who is believed. */
export const clients = {
  title: "Clients",
  settings: {
    allow: optional({
      env: "CLIENTS_ALLOW",
      type: cidrList,
      doc: "Addresses and CIDR ranges, separated by commas, of the clients that are served; all others are answered with 403. Behind TRUSTED_PROXIES it is the client's own address that counts. Unset means everybody. Listeners and routes may have lists of their own beside it.",
    }),
    deny: optional({
      env: "CLIENTS_DENY",
      type: cidrList,
      doc: "Addresses and CIDR ranges of clients that are answered with 403, also where CLIENTS_ALLOW has them.",
    }),
    allowFile: optional({
      env: "CLIENTS_ALLOW_FILE",
      type: path,
      doc: "A file with more entries of CLIENTS_ALLOW, one on each line; `#` begins a comment. It is read again when it changes.",
    }),
    denyFile: optional({
      env: "CLIENTS_DENY_FILE",
      type: path,
      doc: "A file with more entries of CLIENTS_DENY.",
    }),
    proxyProtocol: setting({
      env: "PROXY_PROTOCOL",
      type: toggle,
      default: "off",
      doc: "Whether trusted proxies say by the PROXY protocol, version 1 or 2, whose connection it is, in front of everything else and of TLS. They have to then; whoever else connects is served as he comes. Linux only.",
    }),
    proxyProtocolFrom: optional({
      env: "PROXY_PROTOCOL_FROM",
      type: cidrList,
      doc: "Who is believed there, as addresses and CIDR ranges. Unset means TRUSTED_PROXIES.",
    }),
    http2: setting({
      env: "HTTP2",
      type: toggle,
      default: "on",
      doc: "Whether clients may speak HTTP/2: over TLS as they agree on by ALPN, in clear if they begin with it. `off` leaves them HTTP/1.1. Listeners may say it for themselves.",
      givenTo: { worker: "http2" },
    }),
    trustedProxies: optional({
      env: "TRUSTED_PROXIES",
      type: cidrList,
      doc: "Proxies in front of this one, as addresses and CIDR ranges separated by commas. Only their X-Forwarded-*, Forwarded and X-Request-Id fields are believed (and X-Real-*, X-Original-* and the like passed on); everyone else's are removed or replaced. The client's address is the last in X-Forwarded-For, or without it in Forwarded, that is not in this list.",
      common: true,
    }),
    halfClose: setting({
      env: "CLIENT_HALF_CLOSE",
      type: toggle,
      default: "off",
      doc: "`on` serves clients that have ended their side of the connection (FIN) and still wait for the answer. `off` takes them for gone, as nearly all of them are: the request is aborted and its place at the server given back. Tunnels are half-closed either way.",
      givenTo: { worker: "clientHalfClose" },
    }),
  },
};

/** How long each phase of a request may take. */
export const timeouts = {
  title: "Timeouts",
  settings: {
    connectMs: setting({
      env: "CONNECT_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "2000",
      doc: "Connecting to a server, TLS handshake included.",
      givenTo: { pool: "connectTimeoutMs" },
    }),
    requestHeadMs: setting({
      env: "REQUEST_HEAD_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "10000",
      doc: "From a request's first byte to the end of its header; then 408.",
      givenTo: { worker: "requestHeadTimeoutMs" },
    }),
    requestBodyMs: setting({
      env: "REQUEST_BODY_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "30000",
      doc: "Time without progress while a request body is received; then 408. A client that is answered before it has sent everything may go on for as long for each megabyte, ten times as long in all, so that it reads its answer, unless it pauses for 5 s.",
      givenTo: { worker: "requestBodyTimeoutMs", request: "requestBodyTimeoutMs" },
    }),
    responseHeadMs: setting({
      env: "RESPONSE_HEAD_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "30000",
      doc: "From the request to the header of the server's answer; then 504.",
      givenTo: { request: "responseHeadTimeoutMs" },
    }),
    responseBodyMs: setting({
      env: "RESPONSE_BODY_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "60000",
      doc: "Time without progress while an answer is passed on.",
      givenTo: { worker: "responseBodyTimeoutMs", request: "responseBodyTimeoutMs" },
    }),
    idleMs: setting({
      env: "IDLE_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "75000",
      doc: "A client's connection that waits for its next request is closed after this.",
      givenTo: { worker: "idleTimeoutMs" },
    }),
    tunnelMs: setting({
      env: "TUNNEL_TIMEOUT_MS",
      type: milliseconds(1, 30 * DAY_MS),
      default: "3600000",
      doc: "A WebSocket or other tunnel without traffic is closed after this.",
      givenTo: { request: "tunnelTimeoutMs" },
    }),
  },
};

/** How many requests may pass: in one line what the file has as a block. */
export const rateLimits = {
  title: "Rate limits",
  settings: {
    list: optional({
      env: "RATE_LIMITS",
      type: text,
      doc: "How many requests may pass: limits separated by semicolons, each a name and words `key=value` with the keys of `rate_limits` in the configuration file, such as `clients rate=100/s key=client_ip exempt=10.0.0.0/8; uploads concurrent=10 key=client_ip`. Those of the file are in force beside them.",
    }),
  },
};

/** How much a client may ask for. */
export const limits = {
  title: "Limits",
  doc: "0 means no limit, except for the header's two and HTTP2_MAX_STREAMS.",
  settings: {
    maxHeaderBytes: setting({
      env: "MAX_HEADER_BYTES",
      type: size(1024, 1_048_576),
      default: "32768",
      doc: "Longest header, request line included, of a request or an answer; then 431, or 502 for an answer.",
      givenTo: { worker: "maxHeaderBytes" },
    }),
    maxHeaderCount: setting({
      env: "MAX_HEADER_COUNT",
      type: integer(8, 4096),
      default: "128",
      doc: "Most header fields of a request or an answer.",
      givenTo: { worker: "maxHeaderCount" },
    }),
    maxBodyBytes: setting({
      env: "MAX_BODY_BYTES",
      type: size(0, Number.MAX_SAFE_INTEGER),
      default: "0",
      doc: "Longest request body; then 413.",
      givenTo: { request: "maxBodyBytes" },
    }),
    maxConnections: setting({
      env: "MAX_CONNECTIONS",
      type: COUNT,
      default: "0",
      doc: "Most open client connections of the whole instance; each worker takes its part.",
      givenTo: { worker: "maxConnections" },
    }),
    maxConnectionsPerClient: setting({
      env: "MAX_CONNECTIONS_PER_CLIENT",
      type: COUNT,
      default: "0",
      doc: "Most open connections of one client address (of one /64 for IPv6); trusted proxies are not limited. Beyond it 503.",
      givenTo: { worker: "maxConnectionsPerClient" },
    }),
    maxRequestsPerConnection: setting({
      env: "MAX_REQUESTS_PER_CONNECTION",
      type: COUNT,
      default: "0",
      doc: "A client's connection is closed after this many requests.",
      givenTo: { worker: "maxRequestsPerConnection" },
    }),
    maxConnectionAgeMs: setting({
      env: "CLIENT_MAX_CONNECTION_AGE_SECONDS",
      type: seconds(0, 30 * 86_400),
      default: "0",
      doc: "A client's connection of this age takes no more requests, and ends when those under way have: with HTTP/2 the client is told before (GOAWAY). Spreads clients that stay for days over instances that come and go.",
      givenTo: { worker: "maxConnectionAgeMs" },
    }),
    maxConnectionAgeGraceMs: setting({
      env: "CLIENT_MAX_CONNECTION_AGE_GRACE_SECONDS",
      type: seconds(0, 30 * 86_400),
      default: "0",
      doc: "How long requests on a connection of HTTP/2 may go on when it has reached CLIENT_MAX_CONNECTION_AGE_SECONDS: then they are given up (connection_age), and WebSockets end behind what has come. 0 = as long as they need.",
      givenTo: { worker: "maxConnectionAgeGraceMs" },
    }),
    http2MaxStreams: setting({
      env: "HTTP2_MAX_STREAMS",
      type: integer(1, 10_000),
      default: "100",
      doc: "Most requests that a client may have under way at once on one connection of HTTP/2. More are refused in a way that lets it send them again.",
      givenTo: { worker: "http2MaxStreams" },
    }),
  },
};

/** Second attempts. */
export const retry = {
  title: "Retries",
  doc: "Only what a server cannot have processed, and idempotent requests, are sent again.",
  settings: {
    attempts: setting({
      env: "RETRY_ATTEMPTS",
      type: integer(0, 10),
      default: "2",
      doc: "Attempts after the first; more only while servers cannot be reached and there is one that nobody found failing. 0 means off.",
      givenTo: { request: "retryAttempts" },
    }),
    budgetPercent: setting({
      env: "RETRY_BUDGET_PERCENT",
      type: integer(0, 1000),
      default: "20",
      doc: "Retries as a share of requests. A few per second are always allowed, and attempts that got no connection do not count.",
      unit: "percent",
      givenTo: { pool: "retryBudgetPercent" },
    }),
    onStatus: setting({
      env: "RETRY_ON_STATUS",
      type: retryStatuses,
      default: "off",
      doc: "Answers after which an idempotent request is sent to another server: statuses from 500 to 599, `gateway` (502, 503, 504) or `5xx`, separated by commas. The last server's answer is passed on as it is. `off` means that every answer is.",
      givenTo: { request: "retryOnStatus" },
    }),
    onGrpcStatus: setting({
      env: "RETRY_ON_GRPC_STATUS",
      type: grpcStatuses,
      default: "off",
      doc: "Statuses after which a call of gRPC is made again at another server, although gRPC does not say that this does no harm: codes from 1 to 16 or their names (`UNAVAILABLE,RESOURCE_EXHAUSTED`), separated by commas. Only where the status came without messages, and the messages of the client have not grown beyond 64 KB. The last server's status is passed on as it is. `off` means that every status is.",
      givenTo: { request: "retryOnGrpcStatus" },
    }),
    perTryTimeoutMs: setting({
      env: "PER_TRY_TIMEOUT_MS",
      type: milliseconds(0, DAY_MS),
      default: "0",
      doc: "Time for one attempt of an idempotent request while another one is allowed; the last attempt has RESPONSE_HEAD_TIMEOUT_MS. 0 means off.",
      givenTo: { request: "perTryTimeoutMs" },
    }),
    hedgeAfterMs: setting({
      env: "HEDGE_AFTER_MS",
      type: milliseconds(0, DAY_MS),
      default: "0",
      doc: "An idempotent request that has no answer after this is sent to a second server; the first answer counts and the other is cancelled. Your p95 is a good value. 0 means off.",
      givenTo: { request: "hedgeAfterMs" },
    }),
    hedgeBudgetPercent: setting({
      env: "HEDGE_BUDGET_PERCENT",
      type: integer(0, 100),
      default: "5",
      doc: "Hedged requests as a share of requests.",
      unit: "percent",
      givenTo: { pool: "hedgeBudgetPercent" },
    }),
  },
};

/** Waiting for a server with room. */
export const queue = {
  title: "Queue",
  scope: "pool" as const,
  doc: "Requests wait here while every server is at its capacity (SERVER_CAPACITY_…), or is held to work on as many as it can (CONCURRENCY_LIMITS).",
  settings: {
    size: setting({
      env: "QUEUE_SIZE",
      type: integer(0, 1_000_000),
      default: "1024",
      doc: "Most waiting requests per worker; beyond it 503 with Retry-After, or those that were only held are sent on.",
      givenTo: { pool: "queueSize" },
    }),
    timeoutMs: setting({
      env: "QUEUE_TIMEOUT_MS",
      type: milliseconds(0, DAY_MS),
      default: "1000",
      doc: "Longest wait; then 503 with Retry-After, or what was only held is sent on. In lasting overload a tenth of it.",
      givenTo: { pool: "queueTimeoutMs" },
    }),
  },
};

/** Clients that stay with their server. */
export const sticky = {
  title: "Sticky sessions",
  scope: "pool" as const,
  doc: "A cookie that names, signed, the server that answered: the client comes back to it for as long as it may take requests. `LB_STRATEGY=consistent_hash` keeps clients on a server without one.",
  settings: {
    cookie: optional({
      env: "STICKY_COOKIE",
      type: tokenText,
      doc: "Name of the cookie. Unset means off; needs STICKY_KEYS.",
      givenTo: { pool: "stickyCookie" },
    }),
    keys: optional({
      env: "STICKY_KEYS",
      type: secretKeys,
      doc: "Keys that sign the cookie, of 16 bytes or more each. The first signs, all are good: a new one is put before the old one. All instances need the same.",
      secret: true,
      givenTo: { pool: "stickyKeys" },
    }),
    maxAgeMs: setting({
      env: "STICKY_MAX_AGE_SECONDS",
      type: seconds(0, 34_560_000),
      default: "0",
      doc: "How long clients keep the cookie. 0 means as long as the browser's session.",
      givenTo: { pool: "stickyMaxAgeMs" },
    }),
    sameSite: setting({
      env: "STICKY_SAME_SITE",
      type: oneOf(["lax", "strict", "none"]),
      default: "lax",
      doc: "Which requests from other sites it is sent with. `none` needs HTTPS.",
      givenTo: { pool: "stickySameSite" },
    }),
    secure: setting({
      env: "STICKY_SECURE",
      type: oneOf(["auto", "on", "off"]),
      default: "auto",
      doc: "Whether it is for HTTPS alone. `auto`: if the client came by HTTPS.",
      givenTo: { pool: "stickySecure" },
    }),
  },
};

/** Connections to servers. */
export const upstream = {
  title: "Connections to servers",
  scope: "pool" as const,
  settings: {
    idleTimeoutMs: setting({
      env: "UPSTREAM_IDLE_TIMEOUT_MS",
      type: milliseconds(1, DAY_MS),
      default: "4000",
      doc: "An idle connection to a server is closed after this. Keep it below the server's own keep-alive timeout (5 s in Node.js).",
      givenTo: { pool: "upstreamIdleTimeoutMs" },
    }),
    maxIdle: setting({
      env: "UPSTREAM_MAX_IDLE",
      type: integer(0, 65_535),
      default: "256",
      doc: "Idle connections kept per server and worker.",
      givenTo: { pool: "upstreamMaxIdle" },
    }),
    proxyProtocol: setting({
      env: "UPSTREAM_PROXY_PROTOCOL",
      type: oneOf(["off", "v1", "v2"]),
      default: "off",
      doc: "Tell servers at the beginning of each connection whose it is, by the PROXY protocol. A connection then serves one client alone. Health checks say that they come from here.",
      givenTo: { pool: "upstreamProxyProtocol" },
    }),
    via: setting({
      env: "UPSTREAM_VIA",
      type: toggle,
      default: "on",
      doc: "Tell servers of this proxy in a Via field, as RFC 9110 section 7.6.3 asks of every gateway. Some compress nothing then (nginx, unless it has `gzip_proxied any`): mend that there, or switch this off.",
      givenTo: { pool: "upstreamVia" },
    }),
    caFile: optional({
      env: "UPSTREAM_CA_FILE",
      type: path,
      doc: "PEM bundle of authorities that https:// servers are verified against, beside the system's.",
    }),
    host: optional({
      env: "UPSTREAM_HOST",
      type: hostField,
      doc: "`Host` field that servers get. Unset means the client's.",
      givenTo: { pool: "upstreamHost" },
    }),
    serverName: optional({
      env: "UPSTREAM_SERVER_NAME",
      type: hostName,
      doc: "Name that https:// servers are asked for (SNI) and that their certificates must have. Unset means the one in the server's URL.",
      givenTo: { pool: "upstreamServerName" },
    }),
    certFile: optional({
      env: "UPSTREAM_CERT_FILE",
      type: path,
      doc: "PEM file with the certificate, and its chain, that https:// servers are shown. Needs UPSTREAM_KEY_FILE.",
    }),
    keyFile: optional({
      env: "UPSTREAM_KEY_FILE",
      type: path,
      doc: "PEM file with its unencrypted private key.",
    }),
  },
};
