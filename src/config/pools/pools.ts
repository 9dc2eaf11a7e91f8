/** From what the file says of pools to what holds for each: its own values, and where it has none the instance's. */
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import { describeSetting, type EffectiveSetting } from "../effective.ts";
import { type Draft, readSettings } from "../read-settings.ts";
import { ALL_SETTINGS, SECTIONS, type Sections } from "../schema.ts";
import { applyOverrides, overrideName } from "../servers/overrides.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Named } from "../shapes/shape.ts";
import type { Variable } from "../sources/variable.ts";
import type { PoolBlock } from "./shape.ts";

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
}

const SERVERS = SECTIONS.servers.settings.list.env;

/** All pools, and what is in force of each beside the instance's settings. */
export function readPools(
  { draft, servers, pools, overrides }: PoolSources,
  findings: ShapeFindings,
): { readonly pools: readonly PoolDraft[]; readonly effective: readonly EffectiveSetting[] } {
  const effective: EffectiveSetting[] = [];
  const read: PoolDraft[] = [];
  if (servers !== undefined || pools.length === 0) {
    read.push({ name: DEFAULT_POOL, draft, variables: new Map(servers && [[SERVERS, servers]]), prefix: "" });
  }
  for (const { name, value: block, ...spot } of pools) {
    if (name === DEFAULT_POOL && servers !== undefined) {
      const { key = SERVERS, origin } = servers;
      findings.problem(
        spot,
        `is there already, made by ${key} (${origin}): leave one of them out, or give this another name`,
      );
    }
    const own = readOwn(name, block, draft, findings);
    read.push(own.pool);
    effective.push(...own.effective);
    if (!own.pool.variables.has(SERVERS)) {
      findings.problem(block, "has no servers: give it a list, as in servers: [http://10.0.0.5:3000]");
    }
  }
  const lists = read.map(({ draft: { servers: section }, variables }) => {
    return { servers: section.list as readonly ServerSpec[] | undefined, entries: variables.get(SERVERS)?.entries };
  });
  const named = lists.reduce((sum, { servers: list }) => sum + (list?.length ?? 0), 0);
  if (named > MAX_SERVERS) {
    findings.problems.push(`pools: name ${named} servers in all; the most is ${MAX_SERVERS}: leave some out`);
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
  const withServers = read.map((pool, index) => {
    if (pool.draft.servers.list === undefined) return pool;
    return { ...pool, draft: { ...pool.draft, servers: { list: applied.lists[index].servers } } };
  });
  const said = overrides.map(({ name, value, shown, origin }): EffectiveSetting => {
    return { section: "servers", env: name, value: shown ?? value, origin };
  });
  return { pools: withServers, effective: [...effective, ...described, ...said] };
}

function readOwn(
  name: string,
  { path, variables }: PoolBlock,
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
