/** What may be done to a server, as changes to be confirmed. */
import { type FormValues, numberOf, propose } from "../../app/changing/plan.ts";
import type { ChangeRequest } from "../../model/change.ts";
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
        value: String(server.capacity),
        hint: "0 = not enforced.",
      },
    ],
    request: (values) => patch(server, { capacity: numberOf(values, "capacity", "The capacity") }),
    confirm: "Change capacity",
    done: ({ capacity }) =>
      Number(capacity) === 0
        ? `${server.name} has no capacity limit.`
        : `${server.name} takes ${capacity} requests at one time.`,
    undo: () => patch(server, { capacity: server.capacity_origin === "configuration" ? null : server.capacity }),
  });
}

/** It goes. */
export function remove(server: ServerRow): void {
  const { pool, url, configured_weight: weight } = server;
  propose({
    title: `Remove ${server.name}`,
    lead: `It is drained, then it is no part of pool ${pool} any more. Where the configuration names it, an override keeps it away.`,
    subject: path(server.id),
    request: () => ({ method: "DELETE", path: path(server.id), body: null }),
    confirm: "Remove",
    danger: true,
    done: () => `${server.name} is removed from ${pool}.`,
    undo: () => ({ method: "POST", path: "/api/v1/servers", body: { pool, url, weight } }),
  });
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
      const { servers, id } = (answer ?? {}) as { servers?: { id: number }[]; id?: number };
      const added = servers?.[0]?.id ?? id;
      return added === undefined ? null : { method: "DELETE", path: path(added), body: null };
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
