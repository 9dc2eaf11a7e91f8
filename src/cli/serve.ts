/** `neurabalancer serve`: the product itself. */
import type { Command } from "commander";
import { version } from "../../package.json";
import { loadProcessConfig } from "../config/environment.ts";
import { createLogger } from "../telemetry/log/logger.ts";
import { printError } from "./output.ts";
import { describeProblems } from "./problems.ts";

const HELP = `
Settings come from environment variables and from .env of the current directory; real variables win. SERVERS is the only
one that you must set. docs/configuration.md explains all, "neurabalancer check" shows what is in force.

Examples:
  $ SERVERS=http://10.0.0.5:3000,http://10.0.0.6:3000 neurabalancer serve
  $ SERVERS=https://app.internal LB_STRATEGY=peak_ewma APP_PORT=80 neurabalancer serve
  $ neurabalancer serve --env-file production.env

Signals:
  SIGTERM, SIGINT   finish the requests in flight (SHUTDOWN_TIMEOUT_SECONDS), then exit with 0
  SIGHUP            read settings and certificates again, without losing a connection
                    (closing the terminal stops it as SIGTERM does; "nohup" keeps it)

Logs:
  standard error has the log of the process, standard output one line per request (ACCESS_LOG=off silences it)

Exit codes:
  0  stopped by a signal
  1  wrong usage or configuration, or it could not start; standard error says why`;

/** Other balancers take servers and ports as arguments: said to those who try the same here. */
const WRONG_USAGE = `Settings are environment variables or stand in .env:  SERVERS=http://10.0.0.5:3000 APP_PORT=8080 neurabalancer serve
(--help shows more)`;

/** Adds the `serve` command to `program`. */
export function registerServe(program: Command): void {
  program
    .command("serve")
    .description("balance traffic over your servers")
    .option("--env-file <file>", "read this file instead of .env of the current directory")
    .addHelpText("after", HELP)
    .showHelpAfterError(WRONG_USAGE)
    .action((flags: { readonly envFile?: string }) => serve(flags.envFile));
}

async function serve(envFile: string | undefined): Promise<void> {
  const loaded = loadProcessConfig(envFile);
  if (!loaded.ok) {
    printError(describeProblems(loaded.problems));
    process.exit(1);
  }
  const { config, effective } = loaded;
  const log = createLogger({ level: config.log.level, format: config.log.format, name: "supervisor" });
  log.info({ version, environment: config.app.environment }, "neurabalancer starts");
  for (const warning of loaded.warnings) log.warn(warning);
  const { runSupervisor } = await import("../control/supervisor/supervisor.ts");
  process.exit(await runSupervisor({ config, effective, log, reload: () => loadProcessConfig(envFile) }));
}
