/** The command line: one file per command beside this one. */
import { Command } from "commander";
import { version } from "../../package.json";
import { visibleLines } from "../shared/visible-text.ts";
import { writeOutput } from "./output.ts";

/** Each command, loaded when it is needed: `serve` stays, and what it does not use would stay in memory with it. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  serve: async () => (await import("./serve.ts")).registerServe,
  check: async () => (await import("./check.ts")).registerCheck,
  route: async () => (await import("./route/command.ts")).registerRoute,
  demo: async () => (await import("./demo.ts")).registerDemo,
  servers: async () => (await import("./servers/command.ts")).registerServers,
  classes: async () => (await import("./classes/command.ts")).registerClasses,
  settings: async () => (await import("./settings/command.ts")).registerSettings,
  canary: async () => (await import("./canary/command.ts")).registerCanary,
  limits: async () => (await import("./limits/command.ts")).registerLimits,
  cluster: async () => (await import("./cluster/command.ts")).registerCluster,
  overrides: async () => (await import("./overrides/command.ts")).registerOverrides,
  load: async () => (await import("./load.ts")).registerLoad,
  backend: async () => (await import("./backend.ts")).registerBackend,
  replay: async () => (await import("./replay/command.ts")).registerReplay,
  expect: async () => (await import("./expect/command.ts")).registerExpect,
  simulate: async () => (await import("./simulate.ts")).registerSimulate,
  train: async () => (await import("./train/command.ts")).registerTrain,
  models: async () => (await import("./models/command.ts")).registerModels,
  migrate: async () => (await import("./migrate/command.ts")).registerMigrate,
  stats: async () => (await import("./stats/command.ts")).registerStats,
  explain: async () => (await import("./explain/command.ts")).registerExplain,
  requests: async () => (await import("./requests/command.ts")).registerRequests,
  certificates: async () => (await import("./certificates/command.ts")).registerCertificates,
  token: async () => (await import("./token.ts")).registerToken,
  healthcheck: async () => (await import("./healthcheck/command.ts")).registerHealthcheck,
  "support-bundle": async () => (await import("./support-bundle.ts")).registerSupportBundle,
  "model-server": async () => (await import("./model-server.ts")).registerModelServer,
};

const HELP = `
Examples:
  $ neurabalancer demo                                         see it work: three servers, traffic, a live view
  $ SERVERS=http://10.0.0.5:3000,http://10.0.0.6:3000 neurabalancer serve
  $ neurabalancer check                                        is my configuration right, and what does it say?
  $ neurabalancer route GET https://shop.example/api/x         which route and pool does that request get, and why?
  $ neurabalancer servers drain 10.0.0.5:3000 --wait           send nothing new there, and return when it is idle
  $ neurabalancer settings set LOG_LEVEL=debug                 change a running instance; kept over restarts
  $ neurabalancer canary start shop shop-next                  a share of a route's requests, growing if that does no harm
  $ neurabalancer backend --port 8001                          a server to try things with
  $ neurabalancer load http://127.0.0.1:8080/ --rate 500       requests for an instance, and what became of them
  $ neurabalancer simulate --scenario gc-pauses                how strategies compare when servers misbehave
  $ neurabalancer replay --since 2h                            what another strategy would have given on that traffic
  $ neurabalancer expect                                       and on the traffic of the last minutes, before you switch
  $ neurabalancer train --from store --out ./model             what your own traffic teaches
  $ neurabalancer cluster                                      which instances share what they know over Redis
  $ neurabalancer models list                                  which models were learned, and what became of them
  $ neurabalancer migrate status                               is the store up to date with this release?
  $ neurabalancer stats --since 2h                             what happened: traffic, errors, response times; also events
  $ MODEL_PATH=models/current neurabalancer model-server       offer a model to balancers

Without a command it serves where SERVERS or CONFIG_FILE is set.

Settings:
  come from environment variables, from the file .env of the current directory, and from a configuration file in YAML, if
  --config or CONFIG_FILE names one; what is named first here wins. SERVERS is the only one that you must set.
  .env.example and neurabalancer.example.yaml list all, docs/configuration.md explains them.

Exit codes:
  0  done, or stopped by SIGTERM or SIGINT after the requests in flight were finished
  1  wrong usage or configuration, or a failure; standard error says which`;

/** Said to those who give no command where nothing says what to balance. */
const NOTHING_TO_SERVE = `neurabalancer: there is nothing to serve: neither SERVERS nor CONFIG_FILE is set, here or in .env
  SERVERS=http://10.0.0.5:3000,http://10.0.0.6:3000 neurabalancer   balance over your servers
  neurabalancer serve --config neurabalancer.yaml                   several sites, from a file
  neurabalancer demo                                                see it work, without servers of your own
(--help shows all commands)
`;

/** Commands that keep a log, and what they are called there. */
const LOGGING: Readonly<Record<string, string>> = { serve: "supervisor", "model-server": "model-server" };

/** How it is told what is wrong: as lines of the log where `LOG_FORMAT=json` says that they are JSON, whoever speaks. */
async function errorWriterOf(command: string): Promise<(text: string) => void> {
  if (!Object.hasOwn(LOGGING, command)) return writeForPeople;
  const { environmentLogFormat } = await import("../config/environment.ts");
  if (environmentLogFormat() !== "json") return writeForPeople;
  return (await import("./wrong-start.ts")).jsonErrorWriter(LOGGING[command]);
}

function writeForPeople(text: string): void {
  process.stderr.write(visibleLines(text));
}

/** The command line: all of it, or as much as is needed for `command`. */
async function createProgram(command: string, writeErr: (text: string) => void): Promise<Command> {
  const program = new Command("neurabalancer")
    .description("A self-optimising HTTP load balancer.")
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: writeOutput, writeErr })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows what can be given)")
    .addHelpText("after", HELP);
  const needed = Object.hasOwn(COMMANDS, command) ? [COMMANDS[command]] : Object.values(COMMANDS);
  for (const load of needed) (await load())(program);
  return program;
}

/** Runs the command that `argv` names. Ends the process with 1 after a failure that nothing handled. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const alone = argv.length === 2;
  const command = alone ? "serve" : argv[2];
  const writeError = await errorWriterOf(command);
  try {
    if (alone && !(await import("../config/environment.ts")).namesWhatToServe()) {
      writeError(NOTHING_TO_SERVE);
      process.exit(1);
    }
    const program = await createProgram(command, writeError);
    await program.parseAsync(alone ? [...argv, command] : [...argv]);
  } catch (error) {
    writeError(`neurabalancer: ${(error as Error).message}\n`);
    process.exit(1);
  }
}
