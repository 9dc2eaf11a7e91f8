/** The workloads, one per row of the table. */
import type { Load } from "../load/messages.ts";
import type { RequestShape } from "../load/requests.ts";
import type { ServersProtocol } from "./peers/peer.ts";

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly load: Load;
  readonly tls: boolean;
  /** Worker processes (HAProxy: threads) of each proxy. */
  readonly workers: number;
  /** What the servers behind the proxies speak. */
  readonly servers: ServersProtocol;
  /** Counts in the geometric mean. */
  readonly scored: boolean;
  /**
   * `cpu` = the closed loop; `idle` = memory of connections that have served one request and wait; `paced` = latency when
   * every proxy gets the same number of requests per second.
   */
  readonly kind: "cpu" | "idle" | "paced";
}

interface Options {
  readonly request?: Partial<RequestShape>;
  readonly connections?: number;
  readonly connectionPerRequest?: boolean;
  /** Of HTTP/2: requests under way on each connection. */
  readonly streams?: number;
  readonly tls?: boolean;
  readonly workers?: number;
  readonly servers?: ServersProtocol;
  readonly scored?: boolean;
  readonly kind?: Row["kind"];
}

const CONNECTIONS = 64;
/** Enough to keep two cores busy, few enough that the bodies under way stay in the caches of most machines. */
const BIG_BODY_CONNECTIONS = 16;

/** Clients of HTTP/2 have few connections, and many requests under way on each. */
const H2 = { connections: 16, streams: 10 } as const;

function row(name: string, title: string, options: Options = {}): Row {
  const { connectionPerRequest = false, connections = CONNECTIONS, tls = false, workers = 1 } = options;
  const { servers = "http1" } = options;
  const { streams = 0, scored = streams === 0, kind = "cpu" } = options;
  const request = { path: "/small", bodyBytes: 0, browser: false, close: connectionPerRequest, ...options.request };
  const load = { request, connections, connectionPerRequest, ratePerSecond: 0, streams };
  return { name, title, load, tls, workers, servers, scored, kind };
}

/** All rows, in the order of the table. */
export const ROWS: readonly Row[] = [
  row("small", "100 B answers, 64 connections"),
  row("small-1000", "100 B answers, 1,000 connections", { connections: 1000 }),
  row("browser", "requests of a browser, 17 fields", { request: { browser: true } }),
  row("close", "one connection per request", { connectionPerRequest: true }),
  row("post-1k", "POST 1 KB", { request: { bodyBytes: 1024 } }),
  row("post-64k", "POST 64 KB", { request: { bodyBytes: 64 * 1024 } }),
  row("body-64k", "64 KB answers", { request: { path: "/64k" } }),
  row("body-1m", "1 MB answers", { request: { path: "/1m" }, connections: BIG_BODY_CONNECTIONS }),
  row("chunked", "chunked answers, 4 × 1 KB", { request: { path: "/chunked" } }),
  row("tls", "TLS 1.3, keep-alive", { tls: true }),
  row("handshake", "TLS 1.3, a full handshake per request", { tls: true, connectionPerRequest: true }),
  row("workers-2", "two workers, 100 B answers", { workers: 2 }),
  row("h2", "HTTP/2: 100 B answers, 16 × 10", H2),
  row("h2-one", "HTTP/2: 100 B answers, 64 × 1", { connections: 64, streams: 1 }),
  row("h2-browser", "HTTP/2: requests of a browser, 16 × 10", { ...H2, request: { browser: true } }),
  row("h2-post-1k", "HTTP/2: POST 1 KB, 16 × 10", { ...H2, request: { bodyBytes: 1024 } }),
  row("h2-post-64k", "HTTP/2: POST 64 KB, 16 × 10", { ...H2, request: { bodyBytes: 64 * 1024 } }),
  row("h2-body-64k", "HTTP/2: 64 KB answers, 16 × 10", { ...H2, request: { path: "/64k" } }),
  row("h2-tls", "HTTP/2 over TLS 1.3, 16 × 10", { ...H2, tls: true }),
  row("h2-tls-one", "HTTP/2 over TLS 1.3, 64 × 1", { connections: 64, streams: 1, tls: true }),
  row("h2-tls-64k", "HTTP/2 over TLS 1.3: 64 KB answers", { ...H2, tls: true, request: { path: "/64k" } }),
  row("h2-h2", "HTTP/2 to servers of HTTP/2: 100 B answers, 16 × 10", { ...H2, servers: "http2" }),
  row("paced", "latency at equal load", { scored: false, kind: "paced" }),
  row("idle", "5,000 idle connections", { connections: 5000, scored: false, kind: "idle" }),
  row("h2-idle", "5,000 idle connections of HTTP/2", { connections: 5000, streams: 1, kind: "idle" }),
];

/** The rows with these names, in the table's order. Throws an `Error` that lists the names there are. */
export function selectRows(names: readonly string[]): readonly Row[] {
  const unknown = names.filter((name) => !ROWS.some((known) => known.name === name));
  if (unknown.length > 0) {
    throw new Error(`no row ${unknown.join(", ")}; there are ${ROWS.map(({ name }) => name).join(", ")}`);
  }
  return ROWS.filter(({ name }) => names.includes(name));
}
