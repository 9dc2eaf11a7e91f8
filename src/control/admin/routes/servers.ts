/** `/api/v1/servers…`: what the servers are doing, and what an operator changes of them. */

import type { Endpoint } from "../../../protocol/endpoint.ts";
import { ReservedPath } from "../../../shared/reserved-paths.ts";
import { historyName } from "../../../shared/server-name.ts";
import type { Work } from "../../../telemetry/metrics/exposition.ts";
import type { Events } from "../../events/events.ts";
import type { ServerStatus } from "../../fleet/status.ts";
import { actorOf, type Caller } from "../call.ts";
import {
  applyChange,
  type ChangeableFleet,
  changeSchema,
  type ServerChange,
  unknownServer,
} from "../changes/server-change.ts";
import { json, jsonBlob } from "../responses.ts";
import { SharedResponse } from "../shared-response.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface ServersControl {
  readonly fleet: ChangeableFleet & {
    /** One after the other, as they are read. */
    statuses(): Iterable<ServerStatus>;
    server(id: number): ServerStatus | undefined;
    endpoints(): readonly Endpoint[];
  };
  /** Who is told of changes. */
  readonly events: Events;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}

/** The list is everyone's, single servers the operator's. */
export const serverRoutes: RouteGroup<ServersControl> = (control, log) => {
  const list = new SharedResponse(
    () => listOf(control),
    () => control.nowMs(),
  );
  const show = (id: number): Response => {
    const server = control.fleet.server(id);
    if (server === undefined) throw unknownServer(id);
    return json(server);
  };
  return [
    {
      path: ReservedPath.SERVERS,
      audience: "everyone",
      methods: {
        GET: operation({
          scope: "read",
          doc: "the servers with pool, zone, whether they are backups, state and its reason, weight and capacity (what is in force, what is configured, and whether the `configuration`, the `admin API` or the `store` says so), requests in flight, CPU, memory, error rate, response times, share of the traffic, and what became of it since it came: health checks and ejections by cause, seconds by state",
          handle: async ({ request }) => jsonBlob(await list.get(request.signal)),
        }),
      },
    },
    {
      path: `${ReservedPath.SERVERS}/<id>`,
      parts: ["\\d{1,10}"],
      audience: "operator",
      methods: {
        GET: operation({ doc: "one server", scope: "read", handle: ({ parts: [id] }) => show(Number(id)) }),
        PATCH: operation({
          scope: "admin",
          body: changeSchema,
          doc: "changes `weight`, `capacity` (0 = not enforced) or `state` (`drain`, `active`)",
          handle: ({ parts: [text], body: change, caller }) => {
            const id = Number(text);
            applyChange(control.fleet, id, change, 0);
            log.info({ server_id: id, ...change, client: caller.client }, "server changed by an operator");
            noteChange(control, id, change, caller);
            return show(id);
          },
        }),
      },
    },
  ];
};

function noteChange({ fleet, events }: ServersControl, id: number, change: ServerChange, caller: Caller): void {
  const server = fleet.endpoints().find((endpoint) => endpoint.id === id);
  const pool = fleet.server(id)?.pool;
  if (server === undefined) return;
  const { url, address } = server;
  const what = Object.entries(change).map(([name, value]) => `${name} ${value}`);
  events.note({
    kind: "change",
    pool,
    ...historyName(server),
    actor: actorOf(caller),
    message: `server ${url} (${address}) was changed by an operator: ${what.join(", ")}`,
    detail: change,
  });
}

/** What several readers share takes memory once. */
function* listOf({ fleet }: ServersControl): Work<Blob> {
  const servers: string[] = [];
  for (const server of fleet.statuses()) {
    servers.push(JSON.stringify(server));
    yield;
  }
  return new Blob([`[${servers.join(",")}]`]);
}
