/** The command line: one file per command beside this one. */
import { Command } from "commander";
import { version } from "../../package.json";
import { visibleLines } from "../shared/visible-text.ts";
import { registerBackend } from "./backend.ts";
import { registerCheck } from "./check.ts";
import { registerDemo } from "./demo.ts";
import { registerExplain } from "./explain.ts";
import { registerModelServer } from "./model-server.ts";
import { registerModels } from "./models.ts";
import { printError } from "./output.ts";
import { registerServe } from "./serve.ts";
import { registerSimulate } from "./simulate.ts";
import { registerTrain } from "./train.ts";

const HELP = `
Examples:
  $ neurabalancer demo                                         see it work: three servers, traffic, a live view
  $ SERVERS=http://10.0.0.5:3000,http://10.0.0.6:3000 neurabalancer serve
  $ neurabalancer check                                        is my configuration right, and what does it say?
  $ neurabalancer backend --port 8001                          a server to try things with
  $ neurabalancer simulate --scenario gc-pauses                how strategies compare when servers misbehave
  $ neurabalancer train --from store --out ./model             what your own traffic teaches
  $ neurabalancer models list                                  which models were learned, and what became of them
  $ MODEL_PATH=models/current neurabalancer model-server       offer a model to balancers

Settings:
  come from environment variables and from the file .env of the current directory; a real variable wins over the file.
  SERVERS is the only one that you must set. .env.example lists all, docs/configuration.md explains them.

Exit codes:
  0  done, or stopped by SIGTERM or SIGINT after the requests in flight were finished
  1  wrong usage or configuration, or a failure; standard error says which`;

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("neurabalancer")
    .description("A self-optimising HTTP load balancer.")
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => process.stderr.write(visibleLines(text)) })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help shows what can be given)")
    .addHelpText("after", HELP);
  registerServe(program);
  registerCheck(program);
  registerDemo(program);
  registerBackend(program);
  registerSimulate(program);
  registerTrain(program);
  registerModels(program);
  registerExplain(program);
  registerModelServer(program);
  return program;
}

/** Runs the command that `argv` names. Ends the process with 1 after a failure that nothing handled. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync([...argv]);
  } catch (error) {
    printError(`neurabalancer: ${(error as Error).message}`);
    process.exit(1);
  }
}
