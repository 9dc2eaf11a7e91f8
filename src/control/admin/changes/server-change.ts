/** What an operator may change of a server: `PATCH /api/v1/servers/<id>`. */
import { z } from "zod";
import type { Endpoint } from "../../../protocol/endpoint.ts";
import type { ServerTarget, WantedState } from "../../../shared/operations/override.ts";
import { overrideId } from "../../../shared/operations/override-id.ts";
import { CAPACITY, WEIGHT } from "../../../shared/ranges.ts";
import { historyName } from "../../../shared/server-name.ts";
import type { PoolSummary, ServerStatus } from "../../fleet/status.ts";
import type { NewOverride } from "../../operations/change.ts";
import { describeServer } from "../../operations/words.ts";
import { ApiError } from "../responses.ts";
import { endOf, endShape } from "./end.ts";
import type { Plan } from "./make-change.ts";
import { changeBody, numberIn } from "./terms.ts";

/** Most requests in flight; 0 = not enforced. */
const LIMIT = { ...CAPACITY, least: 0 };

/** A change as it is sent. */
export const serverChangeSchema = changeBody({
  weight: numberIn(WEIGHT).nullable().optional().describe("relative share; null = as configured"),
  capacity: numberIn(LIMIT)
    .nullable()
    .optional()
    .describe("most requests in flight, 0 = not enforced; null = as configured"),
  state: z
    .enum(["active", "drain", "maintenance"], { error: "must be active, drain or maintenance" })
    .optional()
    .describe("drain and maintenance take nothing new"),
  ...endShape,
})
  .refine(({ weight, capacity, state }) => weight !== undefined || capacity !== undefined || state !== undefined, {
    error: "give weight, capacity or state",
  })
  .meta({
    examples: [
      { weight: 5, reason: "a larger machine" },
      { state: "maintenance", duration: "2h", reason: "kernel" },
      { state: "active" },
    ],
  });

/** A change as it was asked for. */
export type ServerChange = z.infer<typeof serverChangeSchema>;

/** What may be changed of a server, as it is. */
export interface ServerSetup {
  readonly weight: number;
  /** 0 = not enforced. */
  readonly capacity: number;
  readonly state: WantedState;
  readonly reason: string;
  readonly until: string | null;
}

/** Takes it out of what is shown. */
export function setupOf({ weight, hard_limit, state, maintenance }: ServerStatus): ServerSetup {
  const wanted = maintenance === null ? "active" : state === "maintenance" ? "maintenance" : "drain";
  const { reason = "", until = null } = maintenance ?? {};
  return { weight, capacity: hard_limit, state: wanted, reason, until };
}

/** What is known of a server when its change is planned. */
export interface ChangedServer {
  readonly status: ServerStatus;
  readonly endpoint: Pick<Endpoint, "hostname" | "address" | "port">;
  readonly pool: Pick<PoolSummary, "usable" | "panic">;
}

/** Throws an `ApiError`. @param nowMs milliseconds since the epoch. */
export function planServerChange({ status, endpoint, pool }: ChangedServer, change: ServerChange, nowMs: number): Plan {
  requirePresent(status);
  const target: ServerTarget = { pool: status.pool, ...historyName(endpoint) };
  const present = setupOf(status);
  const set: NewOverride[] = [];
  const remove: string[] = [];
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  const warnings: string[] = [];
  const number = (kind: "weight" | "capacity", value: number | null | undefined, configured: number): void => {
    if (value === undefined) return;
    before[kind] = present[kind];
    after[kind] = value ?? configured;
    if (value === null) remove.push(overrideId({ kind, target }));
    else set.push({ kind, target, value });
  };
  number("weight", change.weight, status.configured_weight);
  number("capacity", change.capacity, status.configured_hard_limit);
  const { state, reason } = change;
  const untilMs = endOf(change, nowMs);
  if (typeof untilMs === "string") throw wrongEnd(change, untilMs);
  if (untilMs !== null && (state === undefined || state === "active")) {
    throw wrongEnd(change, "goes with the state drain or maintenance alone");
  }
  if (state !== undefined) {
    const until = untilMs === null ? null : new Date(untilMs).toISOString();
    before.state = withdrawn(present);
    after.state = withdrawn({ state, reason, until });
    set.push({ kind: "state", target, value: state, ...(untilMs === null ? {} : { untilMs }) });
    if (state !== "active") warnings.push(...warnOfLast(status, pool));
  }
  if (after.capacity !== undefined) warnings.push(...warnOfFull(status, after.capacity as number));
  const action = state === undefined || Object.keys(after).length > 1 ? "server.change" : `server.${state}`;
  const name = describeServer(target);
  return { action, target: name, about: target, set, remove, before, after, present, warnings };
}

/** Throws 409 for one that is on its way out. */
export function requirePresent({ removed, url }: ServerStatus): void {
  if (!removed) return;
  throw new ApiError(409, "server_leaves", `server ${url} has left the configuration, and only finishes its requests`);
}

/** The response for an id that no server has. */
export function unknownServer(id: number): ApiError {
  return new ApiError(404, "unknown_server", `there is no server with id ${id}: GET /api/v1/servers lists them`);
}

/** That nobody is left when it takes nothing new. */
export function warnOfLast({ alive, state, pool: name }: ServerStatus, pool: ChangedServer["pool"]): string[] {
  const counts = alive || (pool.panic && (state === "down" || state === "ejected"));
  if (!counts || pool.usable > 1) return [];
  return [`it is the last server of pool ${name} that takes requests: they get 503 until there is another`];
}

function warnOfFull({ active_connections: inFlight, url }: ServerStatus, limit: number): string[] {
  if (limit === 0 || inFlight <= limit) return [];
  return [`server ${url} has ${inFlight} requests in flight, more than ${limit}: it takes none until some have ended`];
}

function withdrawn({ state, reason, until }: Pick<ServerSetup, "state" | "reason" | "until">): unknown {
  if (state === "active") return state;
  if (reason === "" && until === null) return state;
  return { state, ...(reason === "" ? {} : { reason }), ...(until === null ? {} : { until }) };
}

function wrongEnd({ duration }: ServerChange, message: string): ApiError {
  const at = duration === undefined ? "until" : "duration";
  return new ApiError(400, "invalid_body", `the body is not right: ${at}: ${message}`, {}, [{ at, message }]);
}
