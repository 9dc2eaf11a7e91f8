/** What lines of the access log say of a request and of its end, as whoever serves requests shows it. */
import { NO_GRPC_STATUS } from "../../../shared/grpc-status.ts";
import type { Failure } from "../../failure.ts";
import { FixedText } from "../../http1/fixed-text.ts";
import type { TracedRequest } from "../traced-request.ts";

/** What whoever writes of a request knows it by. */
export interface NamedRequest {
  /** The buffer that holds the request's head; empty when there was none that could be parsed. */
  readonly headBuffer: Buffer;
  readonly methodStart: number;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  /** Index into `METHODS`. */
  readonly method: number;
  readonly requestIdBuffer: Buffer;
  readonly requestIdStart: number;
  readonly requestIdEnd: number;
  readonly clientAddress: Buffer;
}

/** A request. Offsets are into `headBuffer`; where start and end are the same there is nothing. */
export interface LoggedRequest extends NamedRequest, TracedRequest {
  /** Of the target, else of `Host`. */
  readonly hostStart: number;
  readonly hostEnd: number;
  readonly userAgentStart: number;
  readonly userAgentEnd: number;
  readonly refererStart: number;
  readonly refererEnd: number;
  /** `HTTP/1.1`; `null` = nothing that could be parsed came. */
  readonly protocol: Buffer | null;
  /** Of the client's connection, as `TLSv1.3`; `null` = it has no TLS, or nobody knows. */
  readonly tlsVersion: Buffer | null;
  /** What its client has shown in TLS and was verified; `null` = nothing. */
  readonly certificate: { readonly subject: Buffer; readonly fingerprint: Buffer } | null;
  /** The rate limit that refused it, or would have; `null` = none. */
  readonly limitedBy: LimitedBy | null;
  /** Where it went; `null` = lines say nothing of that. */
  readonly labels: RouteLabels | null;
}

/** A rate limit: its name needs no escaping. */
export interface LimitedBy {
  readonly spec: { readonly name: string };
}

/** Where a request went, as lines have it: made once for each route and pool. */
export class RouteLabels {
  /** Strings of JSON, with their quotes. */
  readonly route: FixedText;
  readonly pool: FixedText | null;
  readonly text: Buffer;

  /** @param pool `null` = no server was to be asked. */
  constructor(route: string, pool: string | null) {
    this.route = new FixedText(JSON.stringify(route));
    this.pool = pool === null ? null : new FixedText(JSON.stringify(pool));
    this.text = Buffer.from(` route=${JSON.stringify(route)}${pool === null ? "" : ` pool=${JSON.stringify(pool)}`}`);
  }

  /** Bytes of both in a line, whatever it looks like. */
  get length(): number {
    return this.text.length;
  }
}

/** How a request ended. */
export interface RequestEnd {
  readonly status: number;
  /** 0 = no server was chosen. */
  readonly serverId: number;
  /** Bytes of the response body as sent. */
  readonly responseBytes: number;
  readonly attempts: number;
  readonly failure: Failure | null;
}

/** The same, as lines have it. */
export interface LoggedOutcome extends RequestEnd {
  /** Address and port of the server; `null` = none was chosen, or it is gone. */
  readonly upstream: FixedText | null;
  /** In queues, milliseconds. */
  readonly waitMs: number;
  /** Of the last attempt, milliseconds (`AttemptOutcome`); NaN = it did not come so far. */
  readonly connectMs: number;
  readonly headMs: number;
  /** Of a call of gRPC; `NO_GRPC_STATUS` = it is none, or ended without one. */
  readonly grpcStatus: number;
}

/** Of a request that no server was asked for. */
export const UNASKED = Object.freeze({
  serverId: 0,
  upstream: null,
  attempts: 0,
  waitMs: 0,
  connectMs: Number.NaN,
  headMs: Number.NaN,
  grpcStatus: NO_GRPC_STATUS,
});
