/** `neurabalancer limits`: what the rate limits of a running instance let pass and refuse, and what operators change of them. */
import type { Command } from "commander";
import type { ShownRateLimit } from "../../control/admin/answers/rate-limits.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { type ChangeFlags, sendChange, tellChange, withChangeFlags } from "../changes/flags.ts";
import { print, printJson } from "../output.ts";
import { limitTable, limitText } from "./text.ts";

const HELP = `
Changes are kept over restarts, until the configuration itself says something else (neurabalancer overrides list); with
--keep false they are for this run.

Examples:
  $ neurabalancer limits list
  $ neurabalancer limits show clients                        with the keys that are refused most
  $ neurabalancer limits set clients rate=200/s burst=400 --reason "campaign until noon"
  $ neurabalancer limits set new mode=dry_run                count what it would refuse, and refuse nothing
  $ neurabalancer limits set uploads concurrent=8
  $ neurabalancer limits set clients mode=off --keep false
  $ neurabalancer limits reset clients                       as configured again

Exit codes:
  0  done
  1  there is no such limit, the instance refuses, or nobody answers there; standard error says which`;

const LIMITS = "/api/v1/limits";
const NAMES = ["mode", "rate", "burst", "concurrent"] as const;
const NUMBERS: ReadonlySet<string> = new Set(["burst", "concurrent"]);

/** Adds the `limits` command to `program`. */
export function registerLimits(program: Command): void {
  const limits = program
    .command("limits")
    .description("show the rate limits of a running instance, whom they refuse, and change them")
    .addHelpText("after", HELP);
  const changing = (usage: string, description: string): Command =>
    withChangeFlags(limits.command(usage)).description(description).argument("<limit>", "its name");

  withAdminFlags(limits.command("list"))
    .description("all of them")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { readonly json?: boolean }) => {
      const { limits: all } = (await askAdmin(flags, LIMITS)) as { readonly limits: readonly ShownRateLimit[] };
      if (flags.json === true) printJson(all);
      else print(limitTable(all));
    });

  withAdminFlags(limits.command("show"))
    .description("one of them, with the keys that are refused most")
    .argument("<limit>", "its name")
    .option("--json", "print JSON")
    .action(async (name: string, flags: AdminFlags & { readonly json?: boolean }) => {
      const limit = (await askAdmin(flags, pathOf(name))) as ShownRateLimit;
      if (flags.json === true) printJson(limit);
      else print(limitText(limit));
    });

  changing("set", "change what it allows, or whether it does")
    .argument("<name=value...>", "rate=200/s, burst=400, concurrent=8, mode=enforce, mode=dry_run or mode=off")
    .action(async (name: string, pairs: string[], flags: ChangeFlags) => {
      const answer = await sendChange(flags, "PATCH", pathOf(name), Object.fromEntries(pairs.map(pairOf)));
      tellChange(flags, answer, `Done: rate limit ${name} has ${pairs.join(", ")}.`);
    });

  changing("reset", "have it as it is configured").action(async (name: string, flags: ChangeFlags) => {
    const { rate } = (await askAdmin(flags, pathOf(name))) as ShownRateLimit;
    const body = rate === null ? { mode: null, concurrent: null } : { mode: null, rate: null, burst: null };
    const answer = await sendChange(flags, "PATCH", pathOf(name), body);
    tellChange(flags, answer, `Done: rate limit ${name} as configured.`);
  });
}

function pathOf(name: string): string {
  return `${LIMITS}/${encodeURIComponent(name)}`;
}

/** Throws an `Error` for people. */
function pairOf(text: string): [string, string | number] {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at <= 0 || !(NAMES as readonly string[]).includes(name)) {
    throw new Error(`"${text}" is not one of ${NAMES.map((one) => `${one}=VALUE`).join(", ")}`);
  }
  if (!NUMBERS.has(name)) return [name, value];
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} must be a whole number, not "${value}"`);
  return [name, Number(value)];
}
