/** `/api/v1/servers…`: what the servers are doing, and what an operator changes of them. */
import { z } from "zod";
import type { Endpoint } from "../../../protocol/endpoint.ts";
import { ReservedPath } from "../../../shared/reserved-paths.ts";
import type { Work } from "../../../telemetry/metrics/exposition.ts";
import type { PoolSummary, ServerStatus } from "../../fleet/status.ts";
import { describeWithdrawalKind } from "../../fleet/withdrawal.ts";
import type { Operations } from "../../operations/operations.ts";
import { listedServer, serverView } from "../answers/servers.ts";
import type { Call } from "../call.ts";
import { entityTag } from "../changes/etag.ts";
import { type MadeChange, makeChange, notesOf, type Plan, tried } from "../changes/make-change.ts";
import {
  type ChangedServer,
  planServerChange,
  serverChangeSchema,
  setupOf,
  unknownServer,
} from "../changes/server-change.ts";
import { type AddedPlan, type ListedPool, newServerSchema, planAddition, planRemoval } from "../changes/server-list.ts";
import { bodilessChangeQuery, type ChangeTerms, changeQuery, changeResponse } from "../changes/terms.ts";
import { json, jsonBlob } from "../responses.ts";
import { SharedResponse } from "../shared-response.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface ServersControl {
  readonly fleet: {
    /** One after the other, as they are read. */
    statuses(): Iterable<ServerStatus>;
    server(id: number): ServerStatus | undefined;
    endpoints(): readonly Endpoint[];
    pools(): readonly PoolSummary[];
  };
  /** Who makes changes, keeps them and tells of them. */
  readonly operations: Pick<Operations, "change" | "inForceOf" | "sharing">;
  /** The pools of the configuration in force, what lies over it included. */
  listedPools(): readonly ListedPool[];
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

/** Whom the list is for. */
type Audience = "operator" | "everyone";

/** The list is everyone's, single servers the operator's. */
export const serverRoutes: RouteGroup<ServersControl> = (control) => {
  const list = new SharedResponse(
    (audience: Audience) => listOf(control, audience),
    () => control.nowMs(),
  );
  const change = async (call: Call, terms: ChangeTerms, plan: (server: ChangedServer) => Plan): Promise<Response> => {
    const id = Number(call.parts[0]);
    const planned = await makeChange(control.operations, { ...call, terms }, () => plan(serverOf(control, id)));
    return terms.dry_run ? tried(planned) : show(control, id, notesOf(planned));
  };
  return [
    {
      path: ReservedPath.SERVERS,
      audience: "everyone",
      methods: {
        GET: operation({
          scope: "read",
          response: z.array(listedServer),
          doc: "the servers with pool, zone, whether they are backups, state and its reason, who has taken them out, why and until when (`maintenance`; on the public port only that it is so), weight and capacity (what is in force, what is configured, and whether the `configuration`, the `admin API` or the `store` says so), requests in flight, CPU, memory, error rate, response times, share of the traffic, and what became of it since it came: health checks and ejections by cause, seconds by state",
          handle: async ({ request, caller }) => {
            return jsonBlob(await list.get(request.signal, caller.scope === "public" ? "everyone" : "operator"));
          },
        }),
        POST: operation({
          scope: "admin",
          query: changeQuery,
          body: newServerSchema,
          response: changeResponse(
            z.strictObject({ pool: z.string(), url: z.string(), servers: z.array(listedServer) }),
          ),
          doc: "adds a server to a pool: `{url, pool, weight, capacity, zone, backup, reason}`, `url` as an entry of SERVERS; answered with 201, the servers that it stands for (of a name there are none before it is looked up), and `Location`",
          handle: async (call) => {
            const { body, query } = call;
            const terms = { ...query, reason: body.reason };
            const planned = await makeChange(control.operations, { ...call, terms }, () =>
              planAddition(body, control.listedPools(), control.operations.inForceOf("server_removed")),
            );
            return query.dry_run ? tried(planned) : created(control, planned);
          },
        }),
      },
    },
    {
      path: `${ReservedPath.SERVERS}/<id>`,
      parts: ["\\d{1,10}"],
      audience: "operator",
      methods: {
        GET: operation({
          doc: "one server",
          scope: "read",
          response: serverView,
          handle: ({ parts: [id] }) => show(control, Number(id)),
        }),
        PATCH: operation({
          scope: "admin",
          query: changeQuery,
          body: serverChangeSchema,
          response: changeResponse(serverView),
          doc: "changes `weight`, `capacity` (0 = not enforced) or `state`: `drain` and `maintenance` take nothing new, with `until` or `duration` as long as that says, `active` takes it back; `null` = as configured",
          handle: (call) =>
            change(call, { ...call.query, reason: call.body.reason }, (server) =>
              planServerChange(server, call.body, control.wallMs()),
            ),
        }),
        DELETE: operation({
          scope: "admin",
          query: bodilessChangeQuery,
          response: changeResponse(serverView),
          doc: "removes a server from its pool: it finishes what it has, and is gone then (`?reason=`)",
          handle: (call) =>
            change(call, call.query, (server) => planRemoval(server, siblings(control, server), control.listedPools())),
        }),
      },
    },
  ];
};

/** Throws 404. */
function serverOf({ fleet }: ServersControl, id: number): ChangedServer {
  const status = fleet.server(id);
  const endpoint = fleet.endpoints().find((one) => one.id === id);
  if (status === undefined || endpoint === undefined) throw unknownServer(id);
  const pool = fleet.pools().find(({ name }) => name === status.pool) ?? { usable: 0, panic: false };
  return { status, endpoint, pool };
}

/** How many servers of the pool the same entry of the configuration stands for. */
function siblings({ fleet }: ServersControl, { status: { url }, endpoint }: ChangedServer): number {
  const { pool } = endpoint as Endpoint;
  return fleet.endpoints().filter((one) => one.url === url && one.pool === pool).length;
}

function show({ fleet }: ServersControl, id: number, more: object = {}): Response {
  const server = fleet.server(id);
  if (server === undefined) throw unknownServer(id);
  return json({ ...server, ...more }, 200, { etag: entityTag(setupOf(server)) });
}

function created({ fleet }: ServersControl, added: AddedPlan & MadeChange): Response {
  const { pool, url, changed, warnings } = added;
  const servers = [...fleet.statuses()].filter((one) => one.url === url && one.pool === pool && !one.removed);
  if (servers.length === 0) {
    const unknown = `no address of ${url} is known yet: it takes requests when there is one`;
    return json({ pool, url, servers, changed, warnings: [...warnings, unknown] }, 201);
  }
  const location = `${ReservedPath.SERVERS}/${servers[0].id}`;
  return json({ pool, url, servers, changed, warnings }, 201, { location, etag: entityTag(setupOf(servers[0])) });
}

/** What several readers share takes memory once. */
function* listOf({ fleet }: ServersControl, audience: Audience): Work<Blob> {
  const servers: string[] = [];
  for (const server of fleet.statuses()) {
    servers.push(JSON.stringify(audience === "operator" ? server : withoutOperator(server)));
    yield;
  }
  return new Blob([`[${servers.join(",")}]`]);
}

/** What operators say to each other is not for everyone. */
function withoutOperator(server: ServerStatus): ServerStatus {
  if (server.maintenance === null) return server;
  const reason = server.removed
    ? server.reason
    : describeWithdrawalKind(server.state === "maintenance" ? "maintenance" : "drain");
  return { ...server, reason, state_reason: reason, maintenance: null };
}
