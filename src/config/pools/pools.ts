/** From what the file says of pools to what holds for each: its own values, and where it has none the instance's. */
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import { describeSetting, type EffectiveSetting } from "../effective.ts";
import { type OverrideLayer, originOf } from "../overrides/layer.ts";
import { overrideServers } from "../overrides/servers.ts";
import { type Draft, readSettings } from "../read-settings.ts";
import { ALL_SETTINGS, SECTIONS, type Sections } from "../schema.ts";
import { applyOverrides, overrideName } from "../servers/overrides.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Named } from "../shapes/shape.ts";
import type { Variable } from "../sources/variable.ts";
import type { PoolBlock } from "./shape.ts";

/** Services of Kubernetes: each is a request that stays open, and the runtime has room for 256, those of all others included. */
const MAX_WATCHED = 200;

/** A pool whose settings with wrong values are missing. */
export interface PoolDraft {
  readonly name: string;
  readonly draft: Draft<keyof Sections>;
  /** What it sets for itself; empty for the one of `SERVERS`. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** In front of what its settings are called in the file. */
  readonly prefix: string;
}

/** What pools are made from. */
export interface PoolSources {
  /** The instance's values. */
  readonly draft: Draft<keyof Sections>;
  /** `SERVERS`, or the `servers` at the top of the file: they make the pool `default`. */
  readonly servers: Variable | undefined;
  readonly pools: readonly Named<PoolBlock>[];
  /** `SERVER_WEIGHT_…` and the like. */
  readonly overrides: readonly Variable[];
  /** What was set at run time. */
  readonly layer: OverrideLayer;
}

/** A pool with other servers than are configured. */
export interface ChangedServers {
  /** `undefined` = the one of `SERVERS`. */
  readonly pool: string | undefined;
  /** What its servers are called in what is in force. */
  readonly env: string;
  readonly urls: readonly string[];
  /** Whose change it was that was the last of them. */
  readonly origin: string;
}

const SERVERS = SECTIONS.servers.settings.list.env;

/** All pools, and what is in force of each beside the instance's settings. */
export function readPools(
  { draft, servers, pools, overrides, layer }: PoolSources,
  findings: ShapeFindings,
): {
  readonly pools: readonly PoolDraft[];
  readonly effective: readonly EffectiveSetting[];
  readonly changedServers: readonly ChangedServers[];
} {
  const effective: EffectiveSetting[] = [];
  const read: PoolDraft[] = [];
  if (servers !== undefined || pools.length === 0) {
    const set = layer.ofPool(DEFAULT_POOL);
    const own = readOwn(DEFAULT_POOL, { path: `pools.${DEFAULT_POOL}`, variables: set }, draft, findings);
    const variables = new Map([...own.pool.variables, ...(servers === undefined ? [] : [[SERVERS, servers] as const])]);
    const ownDraft = set.length === 0 ? draft : { ...own.pool.draft, servers: draft.servers };
    read.push({ name: DEFAULT_POOL, draft: ownDraft, variables, prefix: "" });
    effective.push(...own.effective);
  }
  for (const { name, value: block, ...spot } of pools) {
    if (name === DEFAULT_POOL && servers !== undefined) {
      const { key = SERVERS, origin } = servers;
      findings.problem(
        spot,
        `is there already, made by ${key} (${origin}): leave one of them out, or give this another name`,
      );
    }
    const set = layer.ofPool(name);
    const isSet = new Set(set.map((variable) => variable.name));
    const variables = [...block.variables.filter((variable) => !isSet.has(variable.name)), ...set];
    const own = readOwn(name, { path: block.path, variables }, draft, findings);
    read.push(own.pool);
    effective.push(...own.effective);
    if (!own.pool.variables.has(SERVERS)) {
      findings.problem(block, "has no servers: give it a list, as in servers: [http://10.0.0.5:3000]");
    }
  }
  const lists = read.map(({ draft: { servers: section }, variables }) => {
    return { servers: section.list as readonly ServerSpec[] | undefined, entries: variables.get(SERVERS)?.entries };
  });
  const used = read.reduce((sum, { draft: one }) => sum + usedServers(one), 0);
  if (used > MAX_SERVERS) {
    const whose = pools.length === 0 ? `${SERVERS}: names` : "pools: name";
    findings.problems.push(
      `${whose} ${used} servers in all; the most is ${MAX_SERVERS}: leave some out, or have each instance use a part of them (SUBSET_SIZE)`,
    );
  }
  const applied = applyOverrides(lists, overrides);
  findings.problems.push(...applied.problems);
  const described = applied.lists.flatMap(({ listed }, index) =>
    listed.map((one): EffectiveSetting => {
      const { origin, value, shown = value } = one.variable;
      const { name, prefix } = read[index];
      const env = overrideName(one);
      if (prefix === "" && env !== null) return { section: "servers", env, value: shown, origin };
      const path = `${prefix}servers["${one.server.url}"].${one.attribute}`;
      if (prefix === "") return { section: "servers", env: path, value: shown, origin };
      return { section: "pools", pool: name, env: path, value: shown, origin };
    }),
  );
  const configured = read.map(({ name, draft: { servers: section } }, index) => {
    return { pool: name, servers: section.list === undefined ? undefined : applied.lists[index].servers };
  });
  const inForce = overrideServers(configured, layer, findings.problems);
  const watched = inForce.flatMap(({ servers: list = [] }) => list.filter(({ source }) => source === "kubernetes"));
  if (watched.length > MAX_WATCHED) {
    const whose = pools.length === 0 ? `${SERVERS}: names` : "pools: name";
    findings.problems.push(`${whose} ${watched.length} services of Kubernetes in all; the most is ${MAX_WATCHED}`);
  }
  const changedServers = inForce.flatMap(({ pool, servers: list = [] }, index): ChangedServers[] => {
    const { prefix } = read[index];
    const last = [...layer.of("server_added"), ...layer.of("server_removed")].findLast(
      ({ target }) => target.pool === pool,
    );
    if (last === undefined) return [];
    const urls = list.map(({ url }) => url);
    const origin = originOf(last);
    return [
      prefix === "" ? { pool: undefined, env: SERVERS, urls, origin } : { pool, env: `${prefix}servers`, urls, origin },
    ];
  });
  const withServers = read.map((pool, index) => {
    if (pool.draft.servers.list === undefined) return pool;
    return { ...pool, draft: { ...pool.draft, servers: { list: inForce[index].servers } } };
  });
  const said = overrides.map(({ name, value, shown, origin }): EffectiveSetting => {
    return { section: "servers", env: name, value: shown ?? value, origin };
  });
  return { pools: withServers, effective: [...effective, ...described, ...said], changedServers };
}

/** Servers of a pool for which the instance needs room. */
function usedServers({ servers: section, balancing }: Draft<keyof Sections>): number {
  const named = (section.list as readonly ServerSpec[] | undefined)?.length ?? 0;
  const subsetSize = (balancing.subsetSize as number | undefined) ?? 0;
  return subsetSize > 0 ? Math.min(named, subsetSize) : named;
}

function readOwn(
  name: string,
  { path, variables }: Pick<PoolBlock, "path" | "variables">,
  instance: Draft<keyof Sections>,
  findings: ShapeFindings,
): { readonly pool: PoolDraft; readonly effective: readonly EffectiveSetting[] } {
  const byName = new Map(variables.map((variable) => [variable.name, variable]));
  const placed = ALL_SETTINGS.filter(({ setting }) => byName.has(setting.env));
  const { draft: own, problems } = readSettings(placed, { variables: byName, sources: [], complete: true });
  findings.problems.push(...problems);
  const draft = { ...instance, servers: {} as Record<string, unknown> };
  for (const { section, key } of placed) {
    draft[section] = { ...draft[section], [key]: own[section][key] };
    if (!(key in own[section])) delete draft[section][key]; // wrong: its problem is told
  }
  const effective = placed.map((one): EffectiveSetting => {
    const variable = byName.get(one.setting.env)!;
    const described = describeSetting(one, variable, own[one.section][one.key]);
    return { ...described, section: "pools", pool: name, env: variable.key! };
  });
  return { pool: { name, draft, variables: byName, prefix: `${path}.` }, effective };
}
