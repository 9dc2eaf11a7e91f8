/** Overrides and entries of the audit in words. */
import type { AuditEntry, ShownOverride } from "../api/shapes.ts";
import { type ChangeRequest, stateBefore } from "./change.ts";

/** What an override is about: `the weight of 10.0.0.5:3000 in pool shop`. */
export function overrideTarget({
  kind,
  target,
  description,
}: Pick<ShownOverride, "kind" | "target" | "description">): string {
  if (description !== undefined && description !== "") return description;
  if (typeof target === "string") return target;
  const of = (target ?? {}) as Readonly<Record<string, string | null | undefined>>;
  switch (kind) {
    case "server_added":
      return `server ${of.url} added to pool ${of.pool}`;
    case "server_removed":
      return `server ${of.url} removed from pool ${of.pool}`;
    case "setting":
      return of.pool ? `${of.setting} of pool ${of.pool}` : String(of.setting);
    case "split":
      return `the split of route ${of.route}`;
    default:
      return `the ${kind} of ${of.server ?? "a server"} in pool ${of.pool}`;
  }
}

/** A server as undoing needs it. */
export interface NamedServer {
  readonly id: number;
  readonly name: string;
  readonly pool: string;
}

/**
 * The request that takes an entry of the audit back, from what it says of itself; `null` where that cannot be said: the server
 * is gone, or what was done cannot be undone.
 */
export function undoOfEntry(entry: AuditEntry, servers: readonly NamedServer[]): ChangeRequest | null {
  const { before, target, action } = entry;
  if (typeof before !== "object" || before === null || Array.isArray(before)) return null;
  const values = before as Readonly<Record<string, unknown>>;
  if (Object.keys(values).length === 0) return null;
  if (action === "settings.change") return { method: "PATCH", path: "/api/v1/settings", body: values };
  const pool = /^pool (\S+)$/.exec(target)?.[1];
  if (action.startsWith("pool.") && pool !== undefined) {
    return { method: "PATCH", path: `/api/v1/pools/${encodeURIComponent(pool)}`, body: { options: values } };
  }
  const route = /^the split of route (.+)$/.exec(target)?.[1];
  if (action === "route.split" && route !== undefined) {
    return { method: "PATCH", path: `/api/v1/routes/${encodeURIComponent(route)}`, body: { split: values } };
  }
  const server = /^server (\S+)(?: \(\S+\))? of pool (\S+)$/.exec(target);
  if (action.startsWith("server.") && server !== null) {
    const found = servers.find(({ name, pool: of }) => name === server[1] && of === server[2]);
    const known = Object.keys(values).every((name) => ["weight", "capacity", "state"].includes(name));
    if (found === undefined || !known) return null;
    const { state, ...numbers } = values;
    const body = { ...numbers, ...(state === undefined ? {} : stateBefore(state)) };
    return { method: "PATCH", path: `/api/v1/servers/${found.id}`, body };
  }
  return null;
}
