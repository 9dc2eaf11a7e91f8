/** Answers that the balancer gives itself: health, and errors. Built as text; they are not the hot path. */

import type { SharedMemory } from "../../shared/layout.ts";
import { readinessCode, readReadiness } from "../../shared/readiness.ts";
import { Method } from "../../shared/series-table.ts";
import type { ProxyContext } from "../context.ts";
import type { Failure } from "../failure.ts";
import { REASON_PHRASES } from "../http1/reason-phrases.ts";
import { PROXY_NAME } from "../rewrite/request.ts";

/** One answer, before it is put on the wire. */
export interface LocalResponse {
  readonly status: number;
  readonly type: string;
  /** Bytes are sent as they are, and may be shared by several responses. */
  readonly body: string | Uint8Array;
  /** Further header lines, each with its CRLF. */
  readonly headers?: string;
}

/** Seconds after which a client may try again when there was no room or no server. */
const RETRY_AFTER_SECONDS = 1;

/** The bytes of a response: its head, and its body unless that is bytes already (`sharedBody`). */
export function renderResponse(
  ctx: ProxyContext,
  answer: LocalResponse,
  method: number,
  versionMinor: number,
  keepAlive: boolean,
): Buffer {
  const connection = keepAlive ? (versionMinor === 0 ? "Connection: keep-alive\r\n" : "") : "Connection: close\r\n";
  const { body } = answer;
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  return Buffer.from(
    `HTTP/1.1 ${answer.status} ${REASON_PHRASES[answer.status] ?? ""}\r\n${ctx.dateLine.toString("latin1")}` +
      `Content-Type: ${answer.type}\r\nContent-Length: ${length}\r\n` +
      `Cache-Control: no-store\r\n${answer.headers ?? ""}${connection}\r\n` +
      (typeof body === "string" && method !== Method.HEAD ? body : ""),
  );
}

/** What follows `renderResponse`'s bytes; null = nothing. */
export function sharedBody({ body }: LocalResponse, method: number): Uint8Array | null {
  return typeof body === "string" || method === Method.HEAD ? null : body;
}

/** The response for a failure: JSON for people and programs, `Proxy-Status` (RFC 9209) for both. */
export function errorResponse(failure: Failure, requestId: string): LocalResponse {
  const retry = failure.status === 503 ? `Retry-After: ${RETRY_AFTER_SECONDS}\r\n` : "";
  const allow = failure.status === 405 ? "Allow: GET, HEAD\r\n" : "";
  return {
    status: failure.status,
    type: "application/json",
    body: `${JSON.stringify({ error: { code: failure.code, message: failure.message, request_id: requestId } })}\n`,
    headers:
      `Proxy-Status: ${PROXY_NAME}; error=${failure.proxyError}; details="${failure.code}"\r\n` +
      `X-Request-Id: ${requestId}\r\n${retry}${allow}`,
  };
}

/** `GET /health/live`: the process is there. */
export function livenessResponse(wallMs: number): LocalResponse {
  return json(200, { status: "ok", ts: new Date(wallMs).toISOString() });
}

/** `GET /health/ready`: what the supervisor has counted, as the admin port says it. */
export function readinessResponse(memory: SharedMemory): LocalResponse {
  const readiness = readReadiness(memory);
  return json(readinessCode(readiness), readiness);
}

function json(status: number, value: unknown): LocalResponse {
  return { status, type: "application/json", body: JSON.stringify(value) };
}
