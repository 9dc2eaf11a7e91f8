/** What is configured of what overrides are about: of a configuration that was loaded without any. */
import type { Override, OverrideTarget, ServerTarget } from "../../shared/operations/override.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import type { Config } from "../config.ts";
import { type EffectiveSetting, effectiveOf } from "../effective.ts";
import { meanTheSame, whyNotInOverride, whyNotOverridable } from "./overridable.ts";
import { termsOf } from "./rate-limits.ts";
import { sharesOf } from "./splits.ts";

/** What is configured of a target; `unknown` = only a source of addresses can tell. */
export type Configured =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "unknown" }
  /** There is no such target: `why` says what is missing. */
  | { readonly kind: "gone"; readonly why: string };

/** A configuration without overrides. */
export interface Unlayered {
  readonly config: Config;
  readonly effective: readonly EffectiveSetting[];
}

/** Pools with the servers that were added, without those that were removed. */
export type PoolsOf = Pick<Config, "pools">;

/** Finds it. @param layered where numbers and states of servers are looked for: they may be of one that was added. */
export function configuredOf(
  { config, effective }: Unlayered,
  of: OverrideTarget,
  layered: PoolsOf = config,
): Configured {
  switch (of.kind) {
    case "weight":
    case "capacity":
    case "state":
      return ofServer(layered, of.kind, of.target);
    case "server_added":
    case "server_removed": {
      const { pool, url } = of.target;
      const known = config.pools.find(({ name }) => name === pool);
      if (known === undefined) return noPool(pool);
      const isThere = known.servers.list.some((server) => server.url === url);
      if (of.kind === "server_added") {
        return isThere
          ? gone(`pool ${pool} has the server ${url} already, by the configuration`)
          : { kind: "value", value: null };
      }
      return isThere ? { kind: "value", value: url } : gone(`pool ${pool} has no server ${url} in the configuration`);
    }
    case "setting": {
      const { pool, setting } = of.target;
      if (pool !== null && !config.pools.some(({ name }) => name === pool)) return noPool(pool);
      const why = whyNotOverridable(setting, pool);
      if (why !== null) return gone(why);
      const value = effectiveOf(effective, pool, setting)?.value ?? null;
      const whyNotIn = whyNotInOverride(setting, value);
      return whyNotIn === null ? { kind: "value", value } : gone(whyNotIn);
    }
    case "rate_limit": {
      const limit = config.rateLimits.find(({ name }) => name === of.target.limit);
      if (limit === undefined) return gone(`there is no rate limit ${of.target.limit}`);
      return { kind: "value", value: termsOf(limit) };
    }
    case "split":
    case "canary": {
      const route = config.routes.find(({ name }) => name === of.target.route);
      if (route === undefined) return gone(`there is no route ${of.target.route}`);
      const shares = sharesOf(route);
      return shares === null ? gone(`route ${route.name} sends nothing to pools`) : { kind: "value", value: shares };
    }
  }
}

/** Does it replace this? */
export function replaces(override: Override, configured: Configured): boolean {
  if (configured.kind !== "value") return configured.kind === "unknown";
  const { value } = configured;
  if (override.kind === "setting")
    return meanTheSame(override.target.setting, override.configured, value as string | null);
  return Bun.deepEquals(override.configured, value);
}

/** The entry of the configuration that a server is of; `undefined` = it may be one that only a source can tell. */
function ofServer(config: PoolsOf, kind: "weight" | "capacity" | "state", { pool, server }: ServerTarget): Configured {
  const known = config.pools.find(({ name }) => name === pool);
  if (known === undefined) return noPool(pool);
  const { list } = known.servers;
  const spec = list.find((one) => nameOf(one) === server);
  if (spec !== undefined) return { kind: "value", value: kind === "state" ? "active" : spec[kind] };
  if (list.some(({ port }) => port === 0)) return { kind: "unknown" };
  return gone(`pool ${pool} has no server ${server}`);
}

/** As `historyName` has it. */
function nameOf({ host, port }: ServerSpec): string {
  const name = host.replace(/\.$/, "");
  return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}

function noPool(pool: string): Configured {
  return gone(`there is no pool ${pool}`);
}

function gone(why: string): Configured {
  return { kind: "gone", why };
}
