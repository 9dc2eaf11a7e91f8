/** `neurabalancer settings`: what a running instance goes by, and what operators change of it. */
import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { DEFAULT_ORIGIN } from "../../config/effective.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { type ChangeAnswer, type ChangeFlags, sendChange, tellChange, withChangeFlags } from "../changes/flags.ts";
import { print, printError, printJson } from "../output.ts";
import { type ListedSetting, type ReadAnswer, readText, settingTable } from "./text.ts";

const HELP = `
Names are those of the environment (LOG_LEVEL) or of the configuration file (log.level). Changes are kept over restarts,
until the configuration itself says something else (neurabalancer overrides list); with --keep false they are for this run.

Examples:
  $ neurabalancer settings list --changed
  $ neurabalancer settings set LOG_LEVEL=debug ACCESS_LOG_SAMPLE=0.1 --reason "slow requests since noon"
  $ neurabalancer settings set LB_STRATEGY=peak_ewma --pool shop
  $ neurabalancer settings reset LOG_LEVEL                         as configured again
  $ neurabalancer settings split shop shop=95 shop-next=5          a route's requests, by pool
  $ neurabalancer settings validate                                what would a reload change?
  $ neurabalancer settings reload

Exit codes:
  0  done
  1  the instance refuses, the configuration is wrong, or nobody answers there; standard error says which`;

interface SettingFlags extends ChangeFlags {
  readonly pool?: string;
}

/** Adds the `settings` command to `program`. */
export function registerSettings(program: Command): void {
  const settings = program
    .command("settings")
    .description("show the settings of a running instance, change them, and have it read its configuration again")
    .addHelpText("after", HELP);
  const changing = (usage: string, description: string): Command =>
    withChangeFlags(settings.command(usage)).description(description);
  const ofPool = "of this pool alone, such as its strategy";

  withAdminFlags(settings.command("list"))
    .description("what is in force, and where it comes from")
    .argument("[names...]", "only those that have this in their names")
    .option("--pool <name>", "what this pool goes by")
    .option("--changed", "only what is not the default")
    .option("--json", "print JSON")
    .action(async (names: string[], flags: AdminFlags & { pool?: string; changed?: boolean; json?: boolean }) => {
      const all = await list(flags);
      const wanted = names.map((name) => name.toUpperCase());
      const shown = all.filter(
        ({ name, origin }) =>
          (wanted.length === 0 || wanted.some((part) => name.includes(part))) &&
          (flags.changed !== true || origin !== DEFAULT_ORIGIN),
      );
      if (flags.json === true) printJson(shown);
      else print(settingTable(shown));
    });

  changing("set", "change settings")
    .argument("<name=value...>", "LOG_LEVEL=debug")
    .option("--pool <name>", ofPool)
    .action(async (pairs: string[], flags: SettingFlags) => {
      const values = Object.fromEntries(pairs.map(pairOf));
      const answer = await send(flags, values);
      tellChange(flags, answer, `Done: ${pairs.join(", ")}.`);
    });

  changing("reset", "have settings as they are configured")
    .argument("<names...>", "LOG_LEVEL")
    .option("--pool <name>", ofPool)
    .action(async (names: string[], flags: SettingFlags) => {
      const answer = await send(flags, Object.fromEntries(names.map((name) => [name, null])));
      tellChange(flags, answer, `Done: ${names.join(", ")} as configured.`);
    });

  changing("split", "change which share of a route's requests goes to which pool")
    .argument("<route>", "its name")
    .argument("[pool=weight...]", "nothing = as configured")
    .action(async (route: string, pairs: string[], flags: ChangeFlags) => {
      const shares = pairs.map(pairOf).map(([pool, weight]) => [pool, Number(weight)] as const);
      const split = shares.length === 0 ? null : Object.fromEntries(shares);
      const answer = await sendChange(flags, "PATCH", `/api/v1/routes/${encodeURIComponent(route)}`, { split });
      tellChange(flags, answer, `Done: ${pairs.join(", ") || "as configured"}.`);
    });

  withAdminFlags(settings.command("validate"))
    .description("what would change if the instance read its configuration again? Nothing is changed")
    .option("--env <file>", "as if this were its .env")
    .option("--yaml <file>", "as if this were its configuration file")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { env?: string; yaml?: string; json?: boolean }) => {
      const body = { env: textOf(flags.env), yaml: textOf(flags.yaml) };
      tellRead(flags, (await ask(flags, "validate", body)) as ReadAnswer, "would be");
    });

  withAdminFlags(settings.command("reload"))
    .description("have the instance read its configuration again, as SIGHUP does")
    .option("--reason <text>", "why; kept in the audit")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { reason?: string; json?: boolean }) => {
      tellRead(flags, (await ask(flags, "reload", { reason: flags.reason })) as ReadAnswer, "is");
    });
}

/** Durable and in force takes longer than a question. */
const TIMEOUT_MS = 60_000;

function ask(flags: AdminFlags, what: "validate" | "reload", body: object): Promise<unknown> {
  return askAdmin(flags, `/api/v1/config/${what}`, { method: "POST", body, timeoutMs: TIMEOUT_MS });
}

async function list(flags: AdminFlags & { readonly pool?: string }): Promise<readonly ListedSetting[]> {
  if (flags.pool === undefined) {
    return ((await askAdmin(flags, "/api/v1/settings")) as { settings: readonly ListedSetting[] }).settings;
  }
  return ((await askAdmin(flags, poolPath(flags.pool))) as { options: readonly ListedSetting[] }).options;
}

function send(flags: SettingFlags, values: Readonly<Record<string, string | null>>): Promise<ChangeAnswer> {
  if (flags.pool === undefined) return sendChange(flags, "PATCH", "/api/v1/settings", values);
  return sendChange(flags, "PATCH", poolPath(flags.pool), { options: values });
}

function poolPath(pool: string): string {
  return `/api/v1/pools/${encodeURIComponent(pool)}`;
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw new Error(`"${text}" is not NAME=VALUE`);
  return [text.slice(0, at).trim(), text.slice(at + 1)];
}

function textOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (!existsSync(path)) throw new Error(`there is no file ${path}`);
  return readFileSync(path, "utf8");
}

function tellRead(flags: { readonly json?: boolean }, answer: ReadAnswer, tense: "is" | "would be"): void {
  if (flags.json === true) printJson(answer);
  else (answer.ok ? print : printError)(readText(answer, tense));
  if (flags.json !== true) for (const warning of answer.warnings) printError(`Warning: ${warning}`);
  if (!answer.ok) process.exitCode = 1;
}
