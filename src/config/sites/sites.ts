/** From the instance's settings and what the file has beside them to the whole: pools, routes and listeners. */
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { Config, PoolConfig, RouteConfig, RouteDefaults } from "../config.ts";
import type { Contradictions, PartialConfig } from "../consistency/contradictions.ts";
import { findContradictions, findItself } from "../consistency/instance.ts";
import { findPoolContradictions } from "../consistency/pool.ts";
import type { EffectiveSetting } from "../effective.ts";
import { filePath } from "../file-keys.ts";
import { inWordsOfSources } from "../in-words-of-sources.ts";
import { readListeners } from "../listeners/listeners.ts";
import { usualListeners } from "../listeners/usual.ts";
import type { OverrideLayer } from "../overrides/layer.ts";
import { overrideRateLimits } from "../overrides/rate-limits.ts";
import { overrideSplits } from "../overrides/splits.ts";
import { type ChangedServers, type PoolDraft, readPools } from "../pools/pools.ts";
import { readRateLimits } from "../rate-limits/rate-limits.ts";
import type { Draft } from "../read-settings.ts";
import { sharesThroughRedis } from "../redis/place.ts";
import { routeToAll } from "../routes/default-route.ts";
import { readDefaults } from "../routes/route.ts";
import { poolsNamed, readRoutes } from "../routes/routes.ts";
import { SECTIONS, type Sections } from "../schema.ts";
import { ShapeFindings } from "../shapes/findings.ts";
import type { ShownLeaf } from "../shapes/read-shape.ts";
import type { Variable } from "../sources/variable.ts";
import type { BlocksRead } from "./blocks.ts";
import { effectiveBlocks } from "./effective-blocks.ts";

const SERVERS = SECTIONS.servers.settings.list.env;

/** What was read. */
export interface SitesSources {
  /** The instance's settings; those with wrong values are missing. */
  readonly draft: Draft<keyof Sections>;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly overrides: readonly Variable[];
  readonly layer: OverrideLayer;
  readonly read: BlocksRead;
  readonly limitsOfLine: BlocksRead["rate_limits"];
  readonly leaves: readonly ShownLeaf[];
}

/** What became of it. */
export interface Sites {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** What is in force beside the instance's settings. */
  readonly effective: readonly EffectiveSetting[];
  /** Pools of which servers were added or removed at run time. */
  readonly changedServers: readonly ChangedServers[];
  /** @param effective the instance's settings, for the words of sentences. */
  readonly contradictions: (effective: readonly EffectiveSetting[]) => Contradictions;
  /** Only without problems. */
  readonly config: () => Config;
}

/** Puts them together. */
export function readSites({ draft, variables, overrides, layer, read, limitsOfLine, leaves }: SitesSources): Sites {
  const findings = new ShapeFindings();
  const servers = variables.get(SERVERS);
  const sections = draft as unknown as Sections;
  const listeners = read.listeners === undefined ? null : readListeners(read.listeners, variables, draft, findings);
  const { pools, effective, changedServers } = readPools(
    { draft, servers, pools: read.pools?.entries ?? [], overrides, layer },
    findings,
  );
  const defaults = readDefaults(read.route_defaults?.fields ?? {}, findings);
  const names = pools.map(({ name }) => name);
  const known = servers === undefined && read.pools?.entries.length !== pools.length ? null : names;
  const routed = read.routes === undefined ? null : readRoutes(read.routes, sections, defaults, known, findings);
  const configured = routed?.routes ?? implicitRoutes(sections, pools, read, defaults, findings);
  const { routes, effective: splits } = overrideSplits(configured, layer, known, findings.problems);
  if (routed !== null && read.routes !== undefined) {
    const used = new Set(read.routes.entries.flatMap(poolsNamed).map(({ value }) => value));
    for (const { name, path, place } of read.pools?.entries ?? []) {
      if (!used.has(name))
        findings.warning(
          { path, place },
          "is used by no route: nothing goes to it until a canary or a split sends it requests",
        );
    }
    if (servers !== undefined && !used.has(DEFAULT_POOL)) {
      findings.warnings.push(`${servers.key ?? SERVERS} makes the pool ${DEFAULT_POOL}, and no route uses it`);
    }
  }
  const limited = {
    routes: routed === null || routed.routes.length === read.routes?.written ? routes.map(({ name }) => name) : null,
    pools: known,
    redis: sharesThroughRedis(sections.redis),
  };
  const limits = overrideRateLimits(
    readRateLimits([read.rate_limits, limitsOfLine], limited, findings),
    layer,
    findings.problems,
  );
  const isSecure = listeners === null ? typeof sections.tls.port === "number" : listeners.some(({ tls }) => tls);
  // A proxy in front may have the TLS, and say so.
  const isBehindProxy = sections.clients.trustedProxies !== null;
  for (const { fields } of read.routes?.entries ?? []) {
    if (fields.https_redirect?.value && !isSecure && !isBehindProxy) {
      findings.problem(
        fields.https_redirect,
        "needs TLS_PORT, a listener with tls: on, or TRUSTED_PROXIES that have the TLS: there is no https to send clients to",
      );
    }
  }
  return {
    problems: findings.problems,
    warnings: findings.warnings,
    effective: [
      ...effective.filter(({ pool }) => pool === undefined),
      ...effectiveBlocks(names, effective, read, leaves, routed),
      ...splits,
      ...limits.effective,
    ],
    changedServers,
    contradictions: (shown) => contradictionsOf(draft as PartialConfig, pools, listeners, shown),
    config: () => ({
      ...sections,
      // With what is said of the servers beside their URLs.
      servers: (pools.find(({ prefix }) => prefix === "")?.draft ?? draft).servers as unknown as Sections["servers"],
      listeners: listeners ?? usualListeners(sections),
      pools: pools.map(({ name, draft: own }): PoolConfig => ({ ...(own as unknown as Sections), name })),
      routes,
      rateLimits: limits.rateLimits,
      routeDefaults: defaults,
    }),
  };
}

/** Without `routes` everything goes to the pool `default`. */
function implicitRoutes(
  sections: Sections,
  pools: readonly PoolDraft[],
  { pools: block }: BlocksRead,
  defaults: RouteDefaults,
  findings: ShapeFindings,
): readonly RouteConfig[] {
  if (block !== undefined && !pools.some(({ name }) => name === DEFAULT_POOL)) {
    const routes = pools.slice(0, 2).map(({ name }) => `{path: /${name}, pool: ${name}}`);
    findings.problem(
      block,
      `have no routes, so nothing goes to them: write which requests go where, as in routes: [${pools.length === 1 ? `{pool: ${pools[0].name}}` : routes.join(", ")}], or call one of them ${DEFAULT_POOL}`,
    );
  }
  return [{ ...routeToAll(DEFAULT_POOL, sections.tls), ...defaults }];
}

function contradictionsOf(
  instance: PartialConfig,
  pools: readonly PoolDraft[],
  listeners: Parameters<typeof findItself>[1],
  effective: readonly EffectiveSetting[],
): Contradictions {
  const own = findContradictions(instance, listeners);
  const shared = findPoolContradictions(instance);
  const problems = [...own.problems, ...shared.problems].map((one) => inWordsOfSources(one, effective));
  const warnings = [...own.warnings, ...shared.warnings].map((one) => inWordsOfSources(one, effective));
  for (const { draft, variables } of pools) {
    // Its own values stand in front of the instance's.
    const shown = [
      ...Array.from(variables.values(), ({ name, origin }) => ({ env: name, origin })),
      ...effective.filter(({ env }) => !variables.has(env)),
    ];
    const inWords = (sentence: string) =>
      inWordsOfSources(sentence, shown, (env) => variables.get(env)?.key ?? filePath(env));
    const found = findPoolContradictions(draft as PartialConfig);
    const told = (sentence: string) => shared.problems.includes(sentence) || shared.warnings.includes(sentence);
    const itself = findItself(draft as PartialConfig, listeners);
    problems.push(...[...found.problems.filter((one) => !told(one)), ...itself].map(inWords));
    warnings.push(...found.warnings.filter((one) => !told(one)).map(inWords));
  }
  return { problems, warnings };
}
