/** `neurabalancer classes`: what requests of each kind cost in a running instance. */
import type { Command } from "commander";
import type { ShownClasses } from "../../control/admin/answers/classes.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printJson } from "../output.ts";
import { classTable } from "./text.ts";

const HELP = `
Asks the admin port of a running instance (ADMIN_PORT). Classes are learned where REQUEST_CLASSES is on, which it is where
LB_STRATEGY is ml; docs/request-classes.md says how. COST is in mean requests of the pool: 8 means that one counts as eight.

Examples:
  $ neurabalancer classes
  $ neurabalancer classes --pool shop --json

Exit codes:
  0  done
  1  no such pool, or nobody answers there; standard error says which`;

/** Adds the `classes` command to `program`. */
export function registerClasses(program: Command): void {
  withAdminFlags(program.command("classes"))
    .description("show which classes of requests a running instance tells apart, and what they cost")
    .option("--pool <name>", "only this pool's")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (flags: AdminFlags & { readonly pool?: string; readonly json?: boolean }) => {
      const query = flags.pool === undefined ? "" : `?${new URLSearchParams({ pool: flags.pool })}`;
      const shown = (await askAdmin(flags, `/api/v1/classes${query}`)) as ShownClasses;
      if (flags.json === true) printJson(shown);
      else print(classTable(shown));
    });
}
