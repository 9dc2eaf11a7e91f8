/** What the benchmark's processes say to each other. */
import type { RequestShape } from "./requests.ts";

/** Where clients connect. */
export interface Target {
  readonly port: number;
  readonly tls: boolean;
}

export interface Load {
  readonly request: RequestShape;
  /** Connections that ask at the same time. */
  readonly connections: number;
  /** A connection for each request; with TLS, a full handshake for each. */
  readonly connectionPerRequest: boolean;
  /** Requests per second at regular times, whatever the responses do; 0 = each connection asks again at once. */
  readonly ratePerSecond: number;
  /** Requests under way on each connection, of HTTP/2; 0 = HTTP/1.1, one after the other. */
  readonly streams: number;
}

export type ToGenerator =
  /** Open the connections of `load` and send one request on each, so that all are in use. */
  | { readonly type: "open"; readonly target: Target; readonly load: Load }
  /** The same, also with HTTP/2, for connections that wait from then on: beside those that do already. */
  | { readonly type: "hold"; readonly target: Target; readonly load: Load }
  /** Send `requests` over what is open; with `seconds`, stop earlier when they are over. */
  | { readonly type: "run"; readonly requests: number; readonly seconds: number }
  | { readonly type: "close" };

export type FromGenerator =
  | { readonly type: "ready" }
  | { readonly type: "opened"; readonly requests: number }
  | ({ readonly type: "done" } & RunResult)
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly message: string };

export interface RunResult {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds from the request to the last byte of its response (with a rate: from when it was due). */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type FromBackend =
  | { readonly type: "listening"; readonly ports: readonly number[] }
  | { readonly type: "counts"; readonly requests: readonly number[]; readonly broken: number };
