/** `neurabalancer overrides`: what was changed at run time, and what it replaced. */
import type { Command } from "commander";
import { type AdminFlags, askAdmin, fetchAdmin, withAdminFlags } from "../admin-client.ts";
import { type ChangeFlags, sendChange, withChangeFlags } from "../changes/flags.ts";
import { whole } from "../numbers.ts";
import { print, printJson } from "../output.ts";
import { auditTable, type ListedEntry, type ListedOverride, overrideTable } from "./text.ts";

const HELP = `
An override is what an operator has set at run time instead of what is configured. It lasts over restarts, until it is
removed, its time is over, or the configuration itself says something else than it said then.

Examples:
  $ neurabalancer overrides list
  $ neurabalancer overrides export >> .env             then reload: what is configured like an override replaces it
  $ neurabalancer overrides remove 3f9c21 --reason "the new machines are there"
  $ neurabalancer overrides clear --dry-run
  $ neurabalancer overrides audit --limit 20           who changed what, and why

Exit codes:
  0  done
  1  the instance refuses, there is no such override, or nobody answers there; standard error says which`;

interface Listed {
  readonly overrides: readonly ListedOverride[];
}

/** Adds the `overrides` command to `program`. */
export function registerOverrides(program: Command): void {
  const overrides = program
    .command("overrides")
    .description("show what was changed at run time, carry it into the configuration, or undo it")
    .addHelpText("after", HELP);

  withAdminFlags(overrides.command("list"))
    .description("what is not as configured, who set it, when and why")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { json?: boolean }) => {
      const listed = (await askAdmin(flags, "/api/v1/overrides")) as Listed;
      if (flags.json === true) printJson(listed);
      else print(overrideTable(listed.overrides));
    });

  withAdminFlags(overrides.command("export"))
    .description("as lines of a .env file; what that cannot say as comments")
    .action(async (flags: AdminFlags) => {
      const response = await fetchAdmin(flags, "/api/v1/overrides?format=env");
      print((await response.text()).trimEnd());
    });

  withChangeFlags(overrides.command("remove"))
    .description("end one: what it replaced is in force again")
    .argument("<id>", "as the list shows it, or how it begins")
    .action(async (begin: string, flags: ChangeFlags) => {
      const id = idOf((await askAdmin(flags, "/api/v1/overrides")) as Listed, begin);
      tellEnded(flags, await sendChange(flags, "DELETE", `/api/v1/overrides/${id}`));
    });

  withChangeFlags(overrides.command("clear"))
    .description("end all of them: everything is as configured")
    .action(async (flags: ChangeFlags) => tellEnded(flags, await sendChange(flags, "DELETE", "/api/v1/overrides")));

  withAdminFlags(overrides.command("audit"))
    .description("who changed what at run time, and why, newest first")
    .option("--limit <n>", "at most so many, 1 … 1000", whole(1, 1000), 50)
    .option("--since <time>", "from this moment on (RFC 3339)")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { limit: number; since?: string; json?: boolean }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.since !== undefined) query.set("since", flags.since);
      const told = (await askAdmin(flags, `/api/v1/audit?${query}`)) as { readonly entries: readonly ListedEntry[] };
      if (flags.json === true) printJson(told);
      else print(auditTable(told.entries));
    });
}

/** The one whose id begins so. Throws an `Error` for the operator. */
function idOf({ overrides }: Listed, begin: string): string {
  const found = overrides.filter(({ id }) => id.startsWith(begin.toLowerCase()));
  if (begin !== "" && found.length === 1) return found[0].id;
  const why = found.length === 0 ? "begins so: neurabalancer overrides list shows them" : "is meant: several begin so";
  throw new Error(`${begin}: no one override ${why}`);
}

function tellEnded(flags: ChangeFlags, answer: object): void {
  const { removed } = answer as { readonly removed: readonly ListedOverride[] };
  if (flags.json === true) printJson(answer);
  else if (removed.length === 0) print("There is no override.");
  else print(`${flags.dryRun === true ? "Nothing was changed. It would end:" : "Ended:"}\n${overrideTable(removed)}`);
}
