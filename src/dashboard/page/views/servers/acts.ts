/** What may be done to a server, as changes to be confirmed. */

import type { Maintenance, ServerDetails } from "../../api/shapes.ts";
import { type FormValues, numberOf, propose } from "../../app/changing/plan.ts";
import { type ChangeRequest, stateBefore, type UndoStep, type WayBack } from "../../model/change.ts";
import type { ServerRow } from "../../model/server-list.ts";

const path = (id: number) => `/api/v1/servers/${id}`;

/** Nothing new goes there, what is there is finished. */
export function drain(server: ServerRow): void {
  propose({
    title: `Drain ${server.name}`,
    lead: "It gets no new requests. Those that it has are finished. It stays so until it is made active again.",
    subject: path(server.id),
    request: () => patch(server, { state: "drain" }),
    confirm: "Drain",
    done: () => `${server.name} is draining.`,
  });
}

/** As drain, on purpose and for a time. */
export function maintain(server: ServerRow): void {
  propose({
    title: `Maintenance of ${server.name}`,
    lead: "It gets no new requests and counts as out on purpose: no alarm is raised for it. Checks go on.",
    subject: path(server.id),
    fields: [
      {
        name: "duration",
        label: "Ends by itself after",
        kind: "text",
        value: "1h",
        optional: true,
        hint: "30m, 2h, 1d. Empty: when somebody ends it.",
      },
    ],
    request: ({ duration = "" }) => {
      const end = duration.trim() === "" ? {} : { duration: duration.trim() };
      return patch(server, { state: "maintenance", ...end });
    },
    confirm: "Begin maintenance",
    done: () => `${server.name} is in maintenance.`,
  });
}

/** Back from drain or maintenance. */
export function activate(server: ServerRow): void {
  propose({
    title: `Make ${server.name} active`,
    lead: "It gets requests again, few at first (slow start), once its checks say that it is well.",
    subject: path(server.id),
    request: () => patch(server, { state: "active" }),
    confirm: "Make active",
    done: () => `${server.name} is active again.`,
  });
}

/** How much it gets beside others. */
export function changeWeight(server: ServerRow): void {
  propose({
    title: `Weight of ${server.name}`,
    lead: `A server of weight 2 gets about twice what one of weight 1 gets. Configured: ${server.configured_weight}.`,
    subject: path(server.id),
    fields: [{ name: "weight", label: "Weight", kind: "number", value: String(server.weight) }],
    request: (values) => patch(server, { weight: numberOf(values, "weight", "The weight") }),
    confirm: "Change weight",
    done: ({ weight }) => `${server.name} has weight ${weight}.`,
    undo: () => patch(server, { weight: server.weight_origin === "configuration" ? null : server.weight }),
  });
}

/** How much it bears. */
export function changeCapacity(server: ServerRow): void {
  const configured = server.configured_capacity === 0 ? "not enforced" : server.configured_capacity;
  propose({
    title: `Capacity of ${server.name}`,
    lead: `The most requests that it gets at one time; more wait, or go elsewhere. Configured: ${configured}.`,
    subject: path(server.id),
    fields: [
      {
        name: "capacity",
        label: "Requests at one time",
        kind: "number",
        value: String(server.hard_limit),
        hint: "0 = not enforced.",
      },
    ],
    request: (values) => patch(server, { capacity: numberOf(values, "capacity", "The capacity") }),
    confirm: "Change capacity",
    done: ({ capacity }) =>
      Number(capacity) === 0
        ? `${server.name} has no capacity limit.`
        : `${server.name} takes ${capacity} requests at one time.`,
    undo: () => patch(server, { capacity: server.capacity_origin === "configuration" ? null : server.hard_limit }),
  });
}

/** It goes. */
export function remove(server: ServerRow): void {
  const { pool } = server;
  propose({
    title: `Remove ${server.name}`,
    lead: `It is drained, then it is no part of pool ${pool} any more. Where the configuration names it, an override keeps it away.`,
    subject: path(server.id),
    request: () => ({ method: "DELETE", path: path(server.id), body: null }),
    confirm: "Remove",
    danger: true,
    done: () => `${server.name} is removed from ${pool}.`,
    undo: (_answer, _before, subject) => comingBack(server, (subject as ServerDetails | null)?.maintenance ?? null),
  });
}

/** As it was configured, then with what was set at run time. */
function comingBack(server: ServerRow, rest: Maintenance | null): WayBack {
  const { pool, url, zone, backup, configured_weight: weight, configured_capacity: capacity } = server;
  const configured = { pool, url, weight, ...(capacity === 0 ? {} : { capacity }), ...(zone === null ? {} : { zone }) };
  const numbers = {
    ...(server.weight_origin === "configuration" ? {} : { weight: server.weight }),
    ...(server.capacity_origin === "configuration" ? {} : { capacity: server.hard_limit }),
  };
  const add: UndoStep = () => ({
    method: "POST",
    path: "/api/v1/servers",
    body: backup ? { ...configured, backup } : configured,
  });
  // Each with a reason of its own.
  const changes = [
    ...(Object.keys(numbers).length === 0 ? [] : [numbers]),
    ...(rest === null ? [] : [stateBefore({ state: server.state, until: rest.until, reason: rest.reason })]),
  ];
  return [
    add,
    ...changes.map(
      (body): UndoStep =>
        (answer) => {
          const id = idIn(answer);
          return id === null ? null : { method: "PATCH", path: path(id), body };
        },
    ),
  ];
}

/** The server that an answer is about; of a name that was added there is none before it was looked up. */
function idIn(answer: unknown): number | null {
  const { id, servers } = (answer ?? {}) as {
    readonly id?: number;
    readonly servers?: readonly { readonly id: number }[];
  };
  return id ?? servers?.[0]?.id ?? null;
}

/** One comes. */
export function add(pools: readonly string[], pool: string): void {
  const choice = {
    name: "pool",
    label: "Pool",
    kind: "select" as const,
    value: pool,
    options: pools.map((name) => [name, name] as const),
  };
  propose({
    title: "Add a server",
    lead: "It begins with slow start and checks, and stays over restarts until it is removed.",
    subject: null,
    fields: [
      ...(pools.length > 1 ? [choice] : []),
      { name: "url", label: "URL", kind: "text", value: "http://", hint: "As in SERVERS: http://10.0.0.7:8080" },
      { name: "weight", label: "Weight", kind: "number", value: "1" },
    ],
    request: (values) => ({ method: "POST", path: "/api/v1/servers", body: newServer(values, pools[0]) }),
    confirm: "Add server",
    done: ({ url }) => `${url} is added.`,
    undo: (answer) => {
      const id = idIn(answer);
      return id === null ? null : { method: "DELETE", path: path(id), body: null };
    },
  });
}

function newServer(values: FormValues, only: string): Record<string, unknown> {
  const url = values.url?.trim() ?? "";
  if (!/^(https?|h2c?):\/\/[^/]+/.test(url)) throw new Error("Give the URL of the server: http://10.0.0.7:8080");
  return { pool: values.pool ?? only, url, weight: numberOf(values, "weight", "The weight") };
}

function patch(server: ServerRow, body: Record<string, unknown>): ChangeRequest {
  return { method: "PATCH", path: path(server.id), body };
}
