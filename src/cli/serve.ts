/** `neurabalancer serve`: the product itself. */
import { type Command, InvalidArgumentError } from "commander";
import { version } from "../../package.json";
import { loadProcessConfig, loadTrialConfig, type TrialTexts } from "../config/environment.ts";
import { keepSources } from "../config/sources/last-good.ts";
import { createLogger } from "../telemetry/log/logger.ts";
import { loadToServe, type ServeFlags } from "./last-good.ts";
import { withSourceFlags } from "./source-flags.ts";
import { tellWrongConfiguration } from "./wrong-start.ts";

const HELP = `
Settings come from environment variables, from .env of the current directory and from a configuration file, if you name
one; what is named first wins. SERVERS is the only one that you must set. docs/configuration.md explains all, "neurabalancer check" shows what is in force.

Examples:
  $ SERVERS=http://10.0.0.5:3000,http://10.0.0.6:3000 neurabalancer serve
  $ SERVERS=https://app.internal LB_STRATEGY=peak_ewma APP_PORT=80 neurabalancer serve
  $ neurabalancer serve --config neurabalancer.yaml

  $ neurabalancer serve --take-over                    # the new version, while the old one runs

Signals:
  SIGTERM, SIGINT   finish the requests in flight (SHUTDOWN_TIMEOUT_SECONDS), then exit with 0
  SIGUSR1           open ACCESS_LOG_FILE again, after it was moved (logrotate)
  SIGUSR2           sent by an instance that takes over from this one (--take-over)
  SIGHUP            read settings and certificates again, without losing a connection
                    (closing the terminal stops it as SIGTERM does; "nohup" keeps it)

Logs:
  standard error has the log of the process, standard output (or ACCESS_LOG_FILE) one line per request; ACCESS_LOG=off
  silences that

Exit codes:
  0  stopped by a signal
  1  wrong usage or configuration, or it could not start; standard error says why`;

const TAKE_OVER =
  "take the place of the instance on the same ports, if there is one: it finishes what it has once this one is ready, for which it has 60 s or as many as given";
const TAKE_OVER_SECONDS = 60;
const MAX_TAKE_OVER_SECONDS = 86_400;

/** Other balancers take servers and ports as arguments: said to those who try the same here. */
const WRONG_USAGE = `Settings are environment variables or stand in .env:  SERVERS=http://10.0.0.5:3000 APP_PORT=8080 neurabalancer serve
or in a configuration file:  neurabalancer serve --config neurabalancer.yaml
(--help shows more)`;

/** Adds the `serve` command to `program`. */
export function registerServe(program: Command): void {
  withSourceFlags(program.command("serve"))
    .description("balance traffic over your servers")
    .option("--last-good", "when the configuration is wrong at start, use the one that ran last, loudly")
    .option("--take-over [seconds]", TAKE_OVER, readSeconds)
    .addHelpText("after", HELP)
    .showHelpAfterError(WRONG_USAGE)
    .action((flags: ServeFlags) => serve(flags));
}

async function serve(flags: ServeFlags): Promise<void> {
  // Would end it; what they mean is said where there are logs to open again, and somebody to hand over to.
  for (const signal of ["SIGUSR1", "SIGUSR2"] as const) process.on(signal, () => {});
  const { NOTIFY_SOCKET: notifySocket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = process.env;
  // They are for this process: others that it starts say nothing there.
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete process.env[name];
  const { takeOver } = flags;
  const takeOverMs = takeOver === undefined ? null : 1000 * (takeOver === true ? TAKE_OVER_SECONDS : takeOver);
  const { loaded, refused } = await loadToServe(flags, Date.now());
  if (!loaded.ok) {
    await tellWrongConfiguration("supervisor", flags, loaded.problems, loaded.warnings);
    process.exit(1);
  }
  const { config, effective, over } = loaded;
  const log = createLogger({ level: config.log.level, format: config.log.format, name: "supervisor" });
  log.info({ version, environment: config.app.environment }, "neurabalancer starts");
  for (const problem of refused) log.error(problem);
  if (refused.length > 0) {
    log.error(
      { problems: refused.length, mode: "configuration" },
      "the configuration is wrong: the one that ran last is used (--last-good); mend it, then reload",
    );
  }
  for (const warning of loaded.warnings) log.warn(warning);
  let { sources } = loaded;
  const reload = async () => {
    const wanted = await loadProcessConfig(flags);
    ({ sources } = wanted);
    return wanted;
  };
  const trial = (texts: TrialTexts) => loadTrialConfig(flags, texts);
  const onInForce = ({ storage }: typeof config) => {
    try {
      keepSources(storage.dataDir, sources);
    } catch (error) {
      log.warn(`the configuration cannot be kept for --last-good: ${(error as Error).message}`);
    }
  };
  const { runSupervisor } = await import("../control/supervisor/supervisor.ts");
  process.exit(
    await runSupervisor({
      config,
      effective,
      over,
      log,
      reload,
      trial,
      refused: refused.length > 0,
      onInForce,
      takeOverMs,
      notifySocket,
      watchdog: { usec, pid },
    }),
  );
}

/** Throws an `InvalidArgumentError`. */
function readSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= MAX_TAKE_OVER_SECONDS) return seconds;
  throw new InvalidArgumentError(`Expected seconds, more than 0 and at most ${MAX_TAKE_OVER_SECONDS}.`);
}
