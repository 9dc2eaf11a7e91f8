/** Overrides and entries of the audit in words. */
import type { AuditEntry, ShownOverride } from "../api/shapes.ts";
import { beginning, type ShownTerms } from "./canary.ts";
import { type ChangeRequest, inWords, stateBefore, type UndoStep, type WayBack } from "./change.ts";

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
    case "canary":
      return `the canary of route ${of.route}`;
    default:
      return `the ${kind} of ${of.server ?? "a server"} in pool ${of.pool}`;
  }
}

/** The id of a server that is called so now, as far as the instance knows one. */
export type FindServer = (pool: string, isIt: (name: string, address: string) => boolean) => Promise<number | null>;

/** What sets removed overrides again; `null` where one of them is of a kind that this page cannot set. */
export function settingAgain(overrides: readonly ShownOverride[], find: FindServer): WayBack | null {
  // Servers come first: others may be of them. Canaries come last: while one is under way its route takes no other split.
  const ordered = [...overrides].sort((a, b) => turnOf(a) - turnOf(b));
  const steps = ordered.map((override) => stepFor(override, find));
  return steps.includes(null) ? null : (steps as UndoStep[]);
}

function turnOf({ kind }: ShownOverride): number {
  if (kind === "server_added") return 0;
  return kind === "canary" ? 2 : 1;
}

/** What it sets, for people: of a canary its pool and share. */
export function overrideValue({ kind, value }: Pick<ShownOverride, "kind" | "value">): string {
  if (kind !== "canary") return inWords(value);
  const { pool, percent } = value as ShownTerms;
  return `${percent} % for pool ${pool}`;
}

function stepFor(override: ShownOverride, find: FindServer): UndoStep | null {
  const { kind, value, reason, until } = override;
  const target = (override.target ?? {}) as Readonly<Record<string, string | null | undefined>>;
  const pool = target.pool ?? "";
  const here = override.scope === "instance" ? { hereOnly: true as const } : {};
  const keep = override.kept === false ? { keep: false as const } : here;
  const why = reason === "" ? {} : { reason };
  const make = (method: ChangeRequest["method"], path: string, body: ChangeRequest["body"]): ChangeRequest => ({
    method,
    path,
    body: body === null ? null : { ...body, ...why },
    ...keep,
  });
  const ofServer = async (
    isIt: (name: string, address: string) => boolean,
    method: ChangeRequest["method"],
    body: ChangeRequest["body"],
  ) => {
    const id = await find(pool, isIt);
    return id === null ? null : make(method, `/api/v1/servers/${id}`, body);
  };
  const named = (name: string, address: string) =>
    name === target.server && (!target.address || target.address === address);
  switch (kind) {
    case "weight":
    case "capacity":
      return () => ofServer(named, "PATCH", { [kind]: value });
    case "state":
      return () => ofServer(named, "PATCH", { state: value, ...(until ? { until } : {}) });
    case "server_added":
      return () => make("POST", "/api/v1/servers", { pool, ...(value as object) });
    case "server_removed":
      return () => ofServer((name) => name === hostAndPort(target.url ?? ""), "DELETE", null);
    case "setting": {
      const values = { [target.setting ?? ""]: value };
      if (target.pool === null) return () => make("PATCH", "/api/v1/settings", values);
      return () => make("PATCH", `/api/v1/pools/${encodeURIComponent(pool)}`, { options: values });
    }
    case "split":
      return () => make("PATCH", `/api/v1/routes/${encodeURIComponent(target.route ?? "")}`, { split: value });
    case "canary": {
      const { method, path, body } = beginning(target.route ?? "", value as ShownTerms);
      return () => make(method, path, body);
    }
    default:
      return null;
  }
}

/** `10.0.0.5:3000` of its URL. */
export function hostAndPort(url: string): string {
  return url.replace(/^[^:]*:\/\//, "");
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
