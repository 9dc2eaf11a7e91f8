/** `neurabalancer check`: is the configuration right, and what is in force? */
import type { Command } from "commander";
import { LEARNED_STRATEGY } from "../balancing/registry.ts";
import { describeChange } from "../config/changes.ts";
import { DEFAULT_ORIGIN, type EffectiveSetting } from "../config/effective.ts";
import { loadProcessConfig } from "../config/environment.ts";
import { BLOCK_NAMES } from "../config/file-keys.ts";
import { inWordsOfSources } from "../config/in-words-of-sources.ts";
import { readAdminTls } from "../config/listeners/admin-tls.ts";
import { ConfigError, type LoadResult } from "../config/load.ts";
import { toProxySettings } from "../config/proxy-settings.ts";
import { SECTIONS } from "../config/schema.ts";
import { toStoreLocation } from "../config/sections/storage.ts";
import type { Section } from "../config/setting.ts";
import { learnedPools } from "../control/processes/learner/learned-pools.ts";
import type { LearnerPool } from "../protocol/learner.ts";
import { DEFAULT_POOL } from "../protocol/pool.ts";
import type { ServerSpec } from "../shared/server-spec.ts";
import { visible } from "../shared/visible-text.ts";
import { storeProblem } from "../storage/open-store.ts";
import { type DiffFlags, type DiffReport, diffOf } from "./configuration-diff.ts";
import { print, printError, printJson } from "./output.ts";
import { describeProblems } from "./problems.ts";
import { type Resolution, resolveServers } from "./resolve-servers.ts";
import { withSourceFlags } from "./source-flags.ts";

const HELP = `
Reads the same sources as "serve", files of certificates included, and starts and changes nothing. Secrets are shown as ****.

Examples:
  $ neurabalancer check --changed                                what is set, and where
  $ neurabalancer check --config neurabalancer.yaml --resolve
  $ neurabalancer check --config new.yaml --diff                 what would a reload change of the running instance?
  $ neurabalancer check --config new.yaml --diff old.yaml
  $ neurabalancer check --json | jq '.settings[] | select(.origin != "default")'

Exit codes:
  0  the configuration can be used (there may be warnings)
  1  it cannot; every problem is listed`;

interface CheckFlags extends DiffFlags {
  readonly changed?: boolean;
  readonly resolve?: boolean;
  readonly json?: boolean;
}

/** What was found out, as `--json` prints it. */
export interface CheckReport {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly settings: readonly EffectiveSetting[];
  readonly servers: readonly (ServerSpec & { readonly srv: boolean; readonly pool: string })[];
  /** Names of the pools of whose traffic only samples are kept: their strategy is not `ml`. */
  readonly samples_of: readonly string[];
  /** Names of the pools whose servers' limits of concurrency are learned: requests may be held there. */
  readonly limits_of: readonly string[];
  readonly resolved?: readonly Resolution[];
  readonly diff?: DiffReport;
}

/** Adds the `check` command to `program`. */
export function registerCheck(program: Command): void {
  withSourceFlags(program.command("check"))
    .description("check the configuration and show what is in force")
    .showHelpAfterError(
      "(a file is named by --config: neurabalancer check --config neurabalancer.yaml; --help shows more)",
    )
    .option("--changed", "show what is not at its default alone")
    .option("--resolve", "look the servers' names up as well")
    .option("--diff [file]", "show what differs from the running instance, or from another configuration file")
    .option("--admin <url>", "where the running instance's admin port is (default: where this configuration has it)")
    .option("--token <token>", "its ADMIN_TOKEN (default: this configuration's)")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (flags: CheckFlags) => {
      const report = await check(await loadProcessConfig(flags), flags);
      if (flags.json) printJson(report);
      else printReport(report, flags);
      process.exitCode = report.ok ? 0 : 1;
    });
}

async function check(loaded: LoadResult, flags: CheckFlags): Promise<CheckReport> {
  if (!loaded.ok) {
    const { problems, warnings } = loaded;
    return { ok: false, problems, warnings, settings: [], servers: [], samples_of: [], limits_of: [] };
  }
  const { config, effective } = loaded;
  const problems: string[] = [];
  const warnings = [...loaded.warnings];
  let learned: readonly LearnerPool[] = [];
  try {
    const settings = toProxySettings(config, { nowMs: Date.now(), warn: (sentence) => warnings.push(sentence) });
    learned = learnedPools(settings);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map((problem) => inWordsOfSources(problem, effective)));
  }
  readAdminTls(config.admin, Date.now(), {
    problem: (sentence) => problems.push(sentence),
    warning: (sentence) => warnings.push(sentence),
  });
  const storage = await storeProblem(toStoreLocation(config));
  if (storage !== null) {
    const history = config.history.enabled ? ", and of what happens no more than has room there" : "";
    warnings.push(`${storage}: what is learned would be kept in memory only${history}`);
  }
  const servers = config.pools.flatMap(({ name, servers: { list } }) =>
    list.map((server) => ({ ...server, srv: server.source === "srv", pool: name })),
  );
  const surroundings = { kubernetes: config.kubernetes, zone: config.app.zone };
  const resolved = flags.resolve ? await resolveServers(uniqueByUrl(servers), surroundings) : undefined;
  for (const { url, error } of resolved ?? []) {
    const pool = servers.find((server) => server.url === url)?.pool ?? DEFAULT_POOL;
    const list = pool === DEFAULT_POOL ? "SERVERS" : `pools.${pool}.servers`;
    if (error) problems.push(`${list}: ${url}: ${error}`);
  }
  const diff = flags.diff === undefined ? undefined : await diffOf(flags, loaded);
  const ok = problems.length === 0;
  const samples_of = learned.filter(({ samples }) => samples).map(({ name }) => name);
  const limits_of = learned.filter(({ limits }) => limits).map(({ name }) => name);
  return { ok, problems, warnings, settings: effective, servers, samples_of, limits_of, resolved, diff };
}

function printReport(report: CheckReport, { changed = false }: CheckFlags): void {
  const shown = report.settings.filter(({ origin }) => !changed || origin !== DEFAULT_ORIGIN);
  const out: string[] = report.diff === undefined ? inForce(shown) : describeDiff(report.diff);
  for (const { url, addresses } of report.resolved ?? []) {
    if (addresses.length > 0) out.push(visible(`${url} is ${addresses.join(", ")}`));
  }
  if (report.samples_of.length > 0) out.push(visible(samplesOf(report)));
  if (report.limits_of.length > 0) out.push(visible(limitsOf(report)));
  for (const warning of report.warnings) out.push(`Warning: ${visible(warning)}`);
  if (report.ok) out.push(`The configuration can be used: ${summary(report)}.`);
  if (out.length > 0) print(out.join("\n"));
  if (!report.ok) printError(describeProblems(report.problems));
}

function uniqueByUrl<T extends ServerSpec>(servers: readonly T[]): readonly T[] {
  return [...new Map(servers.map((server) => [server.url, server])).values()];
}

/** Pools and routes are named where the file has some. */
function summary({ servers, settings }: CheckReport): string {
  const lists = ["routes", "pools"].flatMap((name) => {
    const list = settings.find(({ env }) => env === name)?.value;
    return list ? [count(list.split(", ").length, name.slice(0, -1))] : [];
  });
  return [...lists, count(servers.length, "server")].join(", ");
}

function poolsCalled(names: readonly string[]): string {
  return names.length === 1 ? `the pool ${names[0]}` : `the pools ${names.join(", ")}`;
}

function limitsOf({ limits_of: pools }: CheckReport): string {
  const { env } = SECTIONS.balancing.settings.concurrencyLimits;
  const what = "How many requests each server works on at once is learned";
  return `${what} in ${poolsCalled(pools)}; while all of them are busy, further requests wait here (${env}).`;
}

function samplesOf({ samples_of: pools }: CheckReport): string {
  const { env } = SECTIONS.storage.settings.keepSamples;
  return `Samples of the traffic of ${poolsCalled(pools)} are kept, to learn from when ${LEARNED_STRATEGY} is chosen (${env}).`;
}

function describeDiff({ against, changes, overridden, uncompared }: DiffReport): string[] {
  const out = changes.length === 0 ? [`Nothing differs from ${against}.`] : [`What differs from ${against}:`];
  out.push(...changes.map((change) => `  ${visible(describeChange(change))}`));
  if (overridden.length > 0) {
    out.push(
      "Set there at run time, which a reload keeps unless the configuration says something else than it did then:",
    );
    for (const { env, running, configured, origin } of overridden) {
      out.push(`  ${visible(`${env}: ${running ?? "unset"} (${origin}), configured: ${configured ?? "unset"}`)}`);
    }
  }
  if (uncompared.length > 0) out.push(`Not compared, because it is secret: ${uncompared.join(", ")}.`);
  return [...out, ""];
}

function inForce(shown: readonly EffectiveSetting[]): string[] {
  const out: string[] = [];
  for (const [title, settings] of bySection(shown)) {
    const nameWidth = Math.max(...settings.map(({ env }) => visible(env).length));
    const values = settings.map(shownValue);
    const valueWidth = Math.min(40, Math.max(...values.map((value) => value.length)));
    out.push(title);
    for (const [index, { env, origin }] of settings.entries()) {
      out.push(`  ${visible(env).padEnd(nameWidth)}  ${values[index].padEnd(valueWidth)}  ${visible(origin)}`);
    }
    out.push("");
  }
  return out;
}

function shownValue({ value, written }: EffectiveSetting): string {
  if (value === null) return "(unset)";
  return visible(written === undefined ? value : `${value} (${written})`);
}

const BLOCK_TITLES: Readonly<Record<string, string>> = {
  pools: "Pools",
  routes: "Routes",
  route_defaults: "All routes",
  listeners: "Listeners",
  ignored: "Ignored by this version",
};

function bySection(settings: readonly EffectiveSetting[]): Map<string, EffectiveSetting[]> {
  const groups = new Map<string, EffectiveSetting[]>();
  const sections: Readonly<Record<string, Section>> = SECTIONS;
  for (const name of [...Object.keys(sections), ...BLOCK_NAMES, "ignored"]) {
    const members = settings.filter(({ section }) => section === name);
    if (members.length > 0) groups.set(sections[name]?.title ?? BLOCK_TITLES[name], members);
  }
  return groups;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
