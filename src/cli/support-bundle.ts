/** `neurabalancer support-bundle`: all that is known of a running instance in one file, without secrets. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { type AdminFlags, fetchAdmin, withAdminFlags } from "./admin-client.ts";
import { print, printError } from "./output.ts";

const HELP = `
Asks a running instance over its admin port (scope admin), and writes what it tells to a file that nobody else can read:
status, settings, servers, pools, routes, metrics, what happened, recent errors and slow requests, overrides, audit, limits of the
machine. Secrets, query strings and values of header fields are hidden, addresses of clients replaced; README.txt inside says
what is there and what is missing. Read it before you send it to anybody.

Examples:
  $ neurabalancer support-bundle
  $ neurabalancer support-bundle --out /tmp/bundle.tar.gz --admin http://10.0.0.9:8090
  $ tar xzf neurabalancer-support-*.tar.gz && less neurabalancer-support-*/README.txt

Exit codes:
  0  written
  1  no instance answers, it refuses, or the file cannot be written; standard error says which`;

/** It asks all parts of the instance, one after the other. */
const TIMEOUT_MS = 60_000;

interface SupportFlags extends AdminFlags {
  readonly out?: string;
  readonly clientAddresses?: boolean;
}

/** Adds the `support-bundle` command to `program`. */
export function registerSupportBundle(program: Command): void {
  withAdminFlags(program.command("support-bundle"))
    .description("collect what somebody needs who is to help, without secrets")
    .option("--out <file>", "where to write it (default: neurabalancer-support-<time>.tar.gz in this directory)")
    .option("--client-addresses", "keep the addresses of clients as they are")
    .addHelpText("after", HELP)
    .action(async (flags: SupportFlags) => {
      try {
        print(await fetchBundle(flags));
      } catch (error) {
        printError((error as Error).message);
        process.exitCode = 1;
      }
    });
}

/** @returns a sentence that says what was written. */
async function fetchBundle(flags: SupportFlags): Promise<string> {
  const query = flags.clientAddresses ? "?addresses=plain" : "";
  const response = await fetchAdmin(flags, `/api/v1/support-bundle${query}`, { timeoutMs: TIMEOUT_MS });
  if (response.headers.get("content-type") !== "application/gzip") {
    throw new Error("what answers there is no instance that makes support bundles");
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const offered = /filename="([A-Za-z0-9._-]{1,100})"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  const file = flags.out ?? offered ?? "neurabalancer-support.tar.gz";
  await writeFile(file, bytes, { mode: 0o600 });
  return `${file}: ${Math.ceil(bytes.length / 1024)} KB; README.txt in it says what is there. Read it before you send it.`;
}
