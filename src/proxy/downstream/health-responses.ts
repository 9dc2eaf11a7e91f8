/** What the paths of our own that every worker answers say: health. */

import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { type PlacedPool, readinessCode, readReadiness } from "../../shared/memory/readiness.ts";
import type { LocalResponse } from "../local/response.ts";

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
