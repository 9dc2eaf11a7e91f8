/** `neurabalancer healthcheck`: an exit code, for container engines and scripts where there is no shell and no curl. */
import { Argument, type Command, InvalidArgumentError } from "commander";
import type { SourceFlags } from "../../config/environment.ts";
import { isLoopbackUrl } from "../../config/values/addresses.ts";
import { ReservedPath } from "../../shared/reserved-paths.ts";
import { printError } from "../output.ts";
import { withSourceFlags } from "../source-flags.ts";
import { unhealthiness } from "./ask.ts";

const TIMEOUT_MS = 4000;

const HELP = `
Without --url it is asked what the environment and the configuration file describe. serve is asked at a public port, or at
the admin port where no public one answers to all (RESERVED_PATHS=false, lists of clients, client certificates).

Examples:
  $ neurabalancer healthcheck                                         HEALTHCHECK of a container, exec probe
  $ neurabalancer healthcheck --ready                                 is there a healthy server to send requests to?
  $ neurabalancer healthcheck model-server                            or backend: at the address that their settings say
  $ neurabalancer healthcheck --url http://127.0.0.1:8001/health      anything else that answers HTTP

Exit codes:
  0  it answered with 2xx
  1  it did not, within ${TIMEOUT_MS / 1000} seconds; standard error says what it did instead`;

const PROGRAMS = ["serve", "backend", "model-server"] as const;
type Program = (typeof PROGRAMS)[number];

interface HealthFlags extends SourceFlags {
  readonly ready?: boolean;
  readonly url?: URL;
}

/** Adds the `healthcheck` command to `program`. */
export function registerHealthcheck(program: Command): void {
  withSourceFlags(
    program
      .command("healthcheck")
      .description("ask a running instance whether it is healthy; the exit code says it")
      .addArgument(new Argument("[program]", "what runs there").choices(PROGRAMS).default("serve"))
      .option("--ready", `ask ${ReservedPath.HEALTH_READY} instead of ${ReservedPath.HEALTH_LIVE}`)
      .option("--url <url>", "ask this instead", urlOf),
  )
    .addHelpText("after", HELP)
    .action(async (what: Program, flags: HealthFlags) => {
      const problem = await ask(what, flags).catch((error: Error) => error.message);
      if (problem === null) process.exit(0); // whatever the runtime still holds
      printError(`neurabalancer: unhealthy: ${problem}`);
      process.exit(1);
    });
}

async function ask(what: Program, { url, ready, ...flags }: HealthFlags): Promise<string | null> {
  if (ready && url !== undefined) throw new Error("--ready and --url exclude each other: the URL says what is asked");
  if (ready && what !== "serve") throw new Error(`${what} has one health check: leave --ready out`);
  if (url !== undefined) {
    return unhealthiness(url, TIMEOUT_MS, isLoopbackUrl(url));
  }
  // Loaded only where it is needed: it brings every setting there is.
  const { backendUrl, modelServerUrl, placeOf } = await import("./place.ts");
  if (what === "backend") return unhealthiness(backendUrl(), TIMEOUT_MS, true);
  if (what === "model-server") return unhealthiness(await modelServerUrl(flags), TIMEOUT_MS, true);
  const path = ready ? ReservedPath.HEALTH_READY : ReservedPath.HEALTH_LIVE;
  return unhealthiness(new URL(path, await placeOf(flags)), TIMEOUT_MS, true);
}

function urlOf(text: string): URL {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new InvalidArgumentError("Expected a URL such as http://127.0.0.1:8001/health.");
}
