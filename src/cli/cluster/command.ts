/** `neurabalancer cluster`: the instances that share what they know with a running one. */
import type { Command } from "commander";
import type { ShownCluster } from "../../control/admin/answers/cluster.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printJson } from "../output.ts";
import { clusterText } from "./text.ts";

const HELP = `
Instances with the same Redis and the same CLUSTER_NAME are one cluster (docs/cluster.md). The one that is asked says who is
there, since when, how old what each of them says is, and what it makes of its own servers.

Examples:
  $ neurabalancer cluster
  $ neurabalancer cluster --admin http://10.0.0.2:9901      as another instance sees it
  $ neurabalancer cluster --json

Exit codes:
  0  said, also of an instance that is alone
  1  the instance refuses, or nobody answers there; standard error says which`;

/** Adds the `cluster` command to `program`. */
export function registerCluster(program: Command): void {
  withAdminFlags(program.command("cluster"))
    .description("show which instances share what they know with a running one")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (flags: AdminFlags & { readonly json?: boolean }) => {
      const cluster = (await askAdmin(flags, "/api/v1/cluster")) as ShownCluster;
      if (flags.json === true) printJson(cluster);
      else print(clusterText(cluster));
    });
}
