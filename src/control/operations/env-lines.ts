/** Overrides as lines of a `.env` file; what such a file cannot say stands there as comments. Pure. */

import { filePath } from "../../config/file-keys.ts";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import { sharesAt } from "../../shared/operations/canary.ts";
import { describeMaker } from "../../shared/operations/maker.ts";
import type { Override } from "../../shared/operations/override.ts";
import { valueInWords } from "../../shared/operations/words.ts";
import { describeTarget } from "./words.ts";

/** What decides what `.env` can say. */
export interface EnvContext {
  /** There is one pool, and `SERVERS` makes it: its settings are the instance's. */
  readonly onlyDefault: boolean;
  /** URLs of its servers as they are in force. */
  readonly servers: readonly string[];
}

/** The text of it. */
export function envLines(overrides: readonly Override[], context: EnvContext): string {
  const out = [
    "# What operators have set at run time, to be carried into the configuration: each line takes the place of the one of",
    "# that name in .env. When they are in force, the overrides have ended, or can be removed.",
  ];
  let listsServers = false;
  for (const override of overrides) {
    const { reason } = override;
    out.push(`# ${describeTarget(override)} (${describeMaker(override)}${reason === "" ? "" : `: ${reason}`})`);
    if (isServerList(override) && context.onlyDefault) {
      listsServers = true;
      out.push("# see SERVERS below", ...linesOfAdded(override, overrides));
    } else out.push(lineOf(override, context));
  }
  if (listsServers) out.push(`SERVERS=${context.servers.join(",")}`);
  return `${out.join("\n")}\n`;
}

/** What SERVERS does not say of a server that was added; what another override says is said there. */
function linesOfAdded(override: Override, all: readonly Override[]): string[] {
  if (override.kind !== "server_added") return [];
  const server = hostAndPort(override.target.url);
  const { zone, backup } = override.value;
  const numbers = (["weight", "capacity"] as const).flatMap((kind) => {
    const value = override.value[kind];
    const isSaid = all.some((one) => one.kind === kind && one.target.server === server);
    return value === undefined || isSaid ? [] : [`${nameFor(kind, server)}=${value}`];
  });
  const more = [zone === undefined ? "" : `zone ${zone}`, backup === true ? "it is a backup" : ""].filter(Boolean);
  return more.length === 0 ? numbers : [...numbers, cannot(more.join(", "))];
}

function nameFor(kind: "weight" | "capacity", server: string): string {
  const name = server.replace(/[[\]]/g, "").toUpperCase();
  return `SERVER_${kind.toUpperCase()}_${name.replace(/[^A-Z0-9]/g, "_")}`;
}

function hostAndPort(url: string): string {
  return url.replace(/^[^:]*:\/\//, "");
}

function cannot(what: string): string {
  return `# .env cannot say this: ${what}`;
}

function lineOf(override: Override, { onlyDefault }: EnvContext): string {
  switch (override.kind) {
    case "setting": {
      const { pool, setting } = override.target;
      const value = override.value ?? "";
      if (pool === null || (onlyDefault && pool === DEFAULT_POOL)) return `${setting}=${quoted(value)}`;
      return cannot(`in the file, pools.${pool}.${filePath(setting) ?? setting} is ${valueInWords(override.value)}`);
    }
    case "weight":
    case "capacity": {
      const { server, address } = override.target;
      if (address !== "") return cannot(`it is of one address alone: ${valueInWords(override.value)}`);
      if (override.value === 0) return cannot("no limit is what there is without a line");
      return `${nameFor(override.kind, server)}=${override.value}`;
    }
    case "state":
      return cannot(`a server that is to take nothing leaves the configuration (${override.value})`);
    case "server_added":
    case "server_removed":
      return cannot(`in the file, the servers of pool ${override.target.pool} are a list`);
    case "rate_limit":
      return cannot(`in the file, rate_limits.${override.target.limit} has ${valueInWords(override.value)}`);
    case "split":
      return cannot(`in the file, the split of the route is ${valueInWords(override.value)}`);
    case "canary": {
      const { pool, percent } = override.value;
      const now = valueInWords(sharesAt(override.value, percent));
      return cannot(`pool ${pool} is under trial, for which the split of the route is ${now}`);
    }
  }
}

function isServerList({ kind, target }: Override): boolean {
  return (kind === "server_added" || kind === "server_removed") && target.pool === DEFAULT_POOL;
}

/** As `.env` wants what is more than one word. */
function quoted(value: string): string {
  return /^[\w./:,@%+-]*$/.test(value) ? value : `'${value}'`;
}
