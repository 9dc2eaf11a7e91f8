/** `neurabalancer certificates`: asks a running instance which certificates it has, and has one got anew. */
import type { Command } from "commander";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printJson } from "../output.ts";
import { certificateTable, type ShownCertificate } from "./text.ts";

const HELP = `
Asks the admin port of a running instance (ADMIN_PORT). Certificates by ACME are got and renewed by themselves
(ACME_DOMAINS); docs/tls.md tells how to begin.

Examples:
  $ neurabalancer certificates
  $ neurabalancer certificates renew www.example.com

Exit codes:
  0  done; of "renew": the instance has begun to ask
  1  nobody answers there, or the instance refuses; standard error says which`;

interface Flags extends AdminFlags {
  readonly json?: boolean;
}

/** Adds the `certificates` command to `program`. */
export function registerCertificates(program: Command): void {
  const withAdmin = (command: Command) => withAdminFlags(command).option("--json", "print JSON");
  const certificates = withAdmin(program.command("certificates"))
    .description("show certificates and when they end; have one by ACME renewed")
    .addHelpText("after", HELP)
    .action(async (flags: Flags) => {
      const answer = (await askAdmin(flags, "/api/v1/certificates")) as {
        readonly certificates: readonly ShownCertificate[];
      };
      if (flags.json === true) printJson(answer);
      else print(certificateTable(answer.certificates));
    });
  withAdmin(certificates.command("renew"))
    .description("ask for a new certificate by ACME now")
    .argument("<name>", "one of ACME_DOMAINS")
    .action(async (name: string, _flags: Flags, command: Command) => {
      // What is given before "renew" counts as well.
      const flags = command.optsWithGlobals() as Flags;
      const answer = await askAdmin(flags, `/api/v1/certificates/${encodeURIComponent(name)}/renew`, {});
      if (flags.json === true) printJson(answer);
      else print(`A certificate for ${name} is asked for. "neurabalancer certificates" says what becomes of it.`);
    });
}
