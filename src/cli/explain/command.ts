/** `neurabalancer explain`: asks a running instance why a request went where it went. */
import type { Command } from "commander";
import type { Explanation } from "../../shared/explanation/explanation.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printJson } from "../output.ts";
import { poolQuery } from "../pool-query.ts";
import { explanationText } from "./text.ts";

const HELP = `
Asks the admin port of a running instance (ADMIN_PORT), whatever its strategy (EXPLAIN=on). It remembers at least ten minutes,
failed and slow requests longest (EXPLAIN_MEMORY_MB). A request's id is request_id in the access log; servers get it as
X-Request-Id; neurabalancer requests lists those of late.

Examples:
  $ neurabalancer explain 5f2a7c0e9b1d4a638f0c2e7d1b9a4c65
  $ neurabalancer explain order-4711 --admin http://10.0.0.2:8090      with NEURABALANCER_TOKEN set
  $ neurabalancer explain 5f2a7c0e9b1d4a638f0c2e7d1b9a4c65 --json

Exit codes:
  0  done
  1  nobody answers there, or the request is not known there; standard error says which`;

interface ExplainFlags extends AdminFlags {
  readonly pool?: string;
  readonly json?: boolean;
}

/** Adds the `explain` command to `program`. */
export function registerExplain(program: Command): void {
  withAdminFlags(program.command("explain"))
    .description("show why a request went where it went")
    .argument("<request_id>", "as the access log has it")
    .option("--pool <name>", "only attempts at servers of this pool")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (requestId: string, flags: ExplainFlags) => {
      const path = `/api/v1/explain/${encodeURIComponent(requestId)}${poolQuery(flags.pool)}`;
      const explanation = (await askAdmin(flags, path)) as Explanation;
      if (flags.json === true) printJson(explanation);
      else print(explanationText(explanation));
    });
}
