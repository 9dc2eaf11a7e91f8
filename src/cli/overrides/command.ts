/** `neurabalancer overrides`: what operators have set at run time, over what is configured. */
import type { Command } from "commander";
import { type AdminFlags, askAdmin, fetchAdmin, withAdminFlags } from "../admin-client.ts";
import { type ChangeFlags, sendChange, tellChange, withChangeFlags } from "../changes/flags.ts";
import { print, printError, printJson } from "../output.ts";
import { type AuditAnswer, auditTable, type OverridesAnswer, overrideTable } from "./text.ts";

const HELP = `
Changes at run time (neurabalancer servers, neurabalancer settings, the admin API) are kept as overrides: they win over the
configuration and outlive restarts, until the configuration itself says something else than it did when they were made.

Examples:
  $ neurabalancer overrides list
  $ neurabalancer overrides export >> .env                 carry them into the configuration, then reload: they end
  $ neurabalancer overrides remove e7bfd79ca72f --reason "disk replaced"
  $ neurabalancer overrides clear                          everything as configured
  $ neurabalancer overrides audit --limit 20               who changed what, and why

Exit codes:
  0  done
  1  the instance refuses, or nobody answers there; standard error says which`;

/** Adds the `overrides` command to `program`. */
export function registerOverrides(program: Command): void {
  const overrides = program
    .command("overrides")
    .description("show what was changed at run time, carry it into the configuration, or end it")
    .addHelpText("after", HELP);

  withAdminFlags(overrides.command("list"))
    .description("what is set, instead of what, by whom and why")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { json?: boolean }) => {
      const answer = (await askAdmin(flags, "/api/v1/overrides")) as OverridesAnswer;
      if (flags.json === true) printJson(answer);
      else {
        print(overrideTable(answer));
        if (answer.problem !== null) printError(`Changes do not last now: ${answer.problem}`);
      }
    });

  withAdminFlags(overrides.command("export"))
    .description("print them as lines of a .env file; what such a file cannot say, as comments")
    .action(async (flags: AdminFlags) => {
      const response = await fetchAdmin(flags, "/api/v1/overrides?format=env");
      print((await response.text()).trimEnd());
    });

  withChangeFlags(overrides.command("remove"))
    .description("end one: what it replaced is in force again")
    .argument("<id>", "as the list shows it")
    .action(async (id: string, flags: ChangeFlags) => {
      const answer = await sendChange(flags, "DELETE", `/api/v1/overrides/${encodeURIComponent(id)}`);
      tellChange(flags, answer, `Done: ${id} has ended.`);
    });

  withChangeFlags(overrides.command("clear"))
    .description("end all: everything is as configured")
    .action(async (flags: ChangeFlags) => {
      tellChange(flags, await sendChange(flags, "DELETE", "/api/v1/overrides"), "Done: everything is as configured.");
    });

  withAdminFlags(overrides.command("audit"))
    .description("who changed what at run time, and why; the newest first")
    .option("--limit <n>", "at most so many", "50")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { limit: string; json?: boolean }) => {
      const path = `/api/v1/audit?limit=${encodeURIComponent(flags.limit)}`;
      const answer = (await askAdmin(flags, path)) as AuditAnswer;
      if (flags.json === true) printJson(answer);
      else print(auditTable(answer));
    });
}
