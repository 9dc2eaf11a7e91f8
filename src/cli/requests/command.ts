/** `neurabalancer requests`: asks a running instance for requests of late. */
import type { Command } from "commander";
import type { RecentRequests } from "../../shared/explanation/recent.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { whole } from "../numbers.ts";
import { print, printJson } from "../output.ts";
import { requestsText } from "./text.ts";

const HELP = `
Asks the admin port of a running instance (ADMIN_PORT) for what it keeps in memory (EXPLAIN=on), the newest first. For what the
store has kept over days, see neurabalancer stats requests.

Examples:
  $ neurabalancer requests --failed
  $ neurabalancer requests --slow --pool shop --limit 5
  $ neurabalancer explain 5f2a7c0e9b1d4a638f0c2e7d1b9a4c65      with an id of the list

Exit codes:
  0  done
  1  nobody answers there, or the instance keeps nothing; standard error says which`;

interface RequestsFlags extends AdminFlags {
  readonly failed?: boolean;
  readonly slow?: boolean;
  readonly pool?: string;
  readonly server?: string;
  readonly route?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Adds the `requests` command to `program`. */
export function registerRequests(program: Command): void {
  withAdminFlags(program.command("requests"))
    .description("list requests of late with their ids")
    .option("--failed", "only those that failed or were refused")
    .option("--slow", "only those that took long")
    .option("--pool <name>", "only those of this pool")
    .option("--server <server>", "only those that asked this server: its id, its URL, or its host:port")
    .option("--route <name>", "only those of this route")
    .option("--limit <n>", "how many at most", whole(1, 1000), 20)
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (flags: RequestsFlags) => {
      if (flags.failed === true && flags.slow === true) throw new Error("give --failed or --slow, not both");
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.failed === true || flags.slow === true) query.set("reason", flags.failed === true ? "failed" : "slow");
      for (const name of ["pool", "server", "route"] as const) {
        const value = flags[name];
        if (value !== undefined) query.set(name, value);
      }
      const requests = (await askAdmin(flags, `/api/v1/requests?${query}`)) as RecentRequests;
      if (flags.json === true) printJson(requests);
      else print(requestsText(requests));
    });
}
