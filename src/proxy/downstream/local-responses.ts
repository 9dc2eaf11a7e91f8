/** Responses that the balancer gives itself, in whatever protocol they are sent: health, and errors. */

import type { SharedMemory } from "../../shared/memory/layout.ts";
import { type PlacedPool, readinessCode, readReadiness } from "../../shared/memory/readiness.ts";
import { Method } from "../../shared/memory/series-table.ts";
import type { Failure } from "../failure.ts";
import { PROXY_NAME } from "../rewrite/request.ts";

/** One response, before it is put on the wire. */
export interface LocalResponse {
  readonly status: number;
  readonly type: string;
  /** Bytes are sent as they are, and may be shared by several responses. */
  readonly body: string | Uint8Array;
  /** Beyond those that all of them have: name and value. */
  readonly fields: readonly (readonly [string, string])[];
}

/** Seconds after which a client may try again when there was no room or no server. */
const RETRY_AFTER_SECONDS = 1;

function bodyBytesOf({ body }: LocalResponse): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.length;
}

/** Bytes of the body that is sent to a request with this method. */
export function sentBodyBytes(response: LocalResponse, method: number): number {
  return method === Method.HEAD ? 0 : bodyBytesOf(response);
}

/** All its fields, in order: name and value. */
export function fieldsOf(response: LocalResponse): LocalResponse["fields"] {
  return [
    ["Content-Type", response.type],
    ["Content-Length", `${bodyBytesOf(response)}`],
    ["Cache-Control", "no-store"],
    ...response.fields,
  ];
}

/** The response for a failure: JSON for people and programs, `Proxy-Status` (RFC 9209) for both. */
export function errorResponse(failure: Failure, requestId: string): LocalResponse {
  const fields: [string, string][] = [
    ["Proxy-Status", `${PROXY_NAME}; error=${failure.proxyError}; details="${failure.code}"`],
    ["X-Request-Id", requestId],
  ];
  if (failure.status === 503) fields.push(["Retry-After", `${RETRY_AFTER_SECONDS}`]);
  if (failure.status === 405) fields.push(["Allow", "GET, HEAD"]);
  return {
    status: failure.status,
    type: "application/json",
    body: `${JSON.stringify({ error: { code: failure.code, message: failure.message, request_id: requestId } })}\n`,
    fields,
  };
}

/** `GET /health/live`: the process is there. */
export function livenessResponse(wallMs: number): LocalResponse {
  return json(200, { status: "ok", ts: new Date(wallMs).toISOString() });
}

/** `GET /health/ready`: what the supervisor has counted, as the admin port says it. */
export function readinessResponse(memory: SharedMemory, pools: readonly PlacedPool[]): LocalResponse {
  const readiness = readReadiness(memory, pools);
  return json(readinessCode(readiness), readiness);
}

function json(status: number, value: unknown): LocalResponse {
  return { status, type: "application/json", body: JSON.stringify(value), fields: [] };
}
