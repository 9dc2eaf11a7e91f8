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
  const out = ["# What operators have set at run time, to be carried into the configuration."];
  let listsServers = false;
  for (const override of overrides) {
    const { reason } = override;
    out.push(`# ${describeTarget(override)} (${describeMaker(override)}${reason === "" ? "" : `: ${reason}`})`);
    if (isServerList(override) && context.onlyDefault) {
      listsServers = true;
      out.push("# see SERVERS below");
    } else out.push(lineOf(override, context));
  }
  if (listsServers) out.push(`SERVERS=${context.servers.join(",")}`);
  return `${out.join("\n")}\n`;
}

function lineOf(override: Override, { onlyDefault }: EnvContext): string {
  const cannot = (what: string): string => `# .env cannot say this: ${what}`;
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
      const name = server
        .replace(/[[\]]/g, "")
        .toUpperCase()
        .replace(/[^A-Z0-9]/g, "_");
      return `SERVER_${override.kind.toUpperCase()}_${name}=${override.value}`;
    }
    case "state":
      return cannot(`a server that is to take nothing leaves the configuration (${override.value})`);
    case "server_added":
    case "server_removed":
      return cannot(`in the file, the servers of pool ${override.target.pool} are a list`);
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
