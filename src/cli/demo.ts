/** `neurabalancer demo`: real servers, a real balancer and real traffic, in one terminal. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { STRATEGY_NAMES } from "../balancing/registry.ts";
import { LineScreen, NoScreen, type Screen, TerminalScreen } from "../demo/screen.ts";
import { runDemo } from "../demo/session.ts";
import { renderSummary } from "../demo/summary.ts";
import { print, printError } from "./output.ts";

const HELP = `
Three servers of unequal speed (5, 15 and 60 ms), the balancer and eight clients run on this machine until Ctrl-C.
While it runs, kill a server in another terminal (the screen says how) and watch it leave and return.

Examples:
  $ neurabalancer demo
  $ neurabalancer demo --strategy round_robin        what happens when the slow server gets as much as the others
  $ neurabalancer demo --seconds 10 --json           for scripts; exit code 1 if a request failed without a cause`;

interface DemoFlags {
  readonly seconds?: number;
  readonly port: number;
  readonly strategy: string;
  readonly rate: number;
  readonly workers: number;
  readonly json?: boolean;
}

/** Adds the `demo` command to `program`. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("watch real traffic being balanced over three servers of unequal speed")
    .addOption(new Option("--seconds <n>", "end after so long, with a summary").argParser(within(1, 86_400)))
    .addOption(
      new Option("--port <port>", "port of the balancer; 0, or when it is taken: any free port")
        .default(8080)
        .argParser(wholeWithin(0, 65_535)),
    )
    .addOption(
      new Option("--strategy <name>", "balancing strategy").choices([...STRATEGY_NAMES]).default("least_connections"),
    )
    .addOption(new Option("--rate <n>", "requests per second").default(200).argParser(within(1, 5000)))
    .addOption(new Option("--workers <n>", "worker processes").default(2).argParser(wholeWithin(1, 64)))
    .addOption(new Option("--json", "no view; the summary as JSON on standard output"))
    .addHelpText("after", HELP)
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const stop = new AbortController();
  // A second Ctrl-C changes nothing: the processes are being stopped, within seconds.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  // Whoever reads it has left (`demo | head`), or the terminal is gone: there is nobody to show anything to.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => stop.abort());
  try {
    const summary = await runDemo({
      port: flags.port,
      strategy: flags.strategy,
      perSecond: flags.rate,
      workers: flags.workers,
      seconds: flags.seconds ?? null,
      say: printError,
      openScreen: () => openScreen(flags.json ?? false),
      stop: stop.signal,
      random: Math.random,
      nowMs: () => performance.now(),
    });
    if (summary) print(flags.json ? JSON.stringify(summary) : renderSummary(summary));
    // Standard output may be a pipe: exit by itself, when all is written.
    process.exitCode = summary && (summary.failed_unexplained > 0 || summary.succeeded === 0) ? 1 : 0;
  } catch (error) {
    printError(`demo: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

function openScreen(json: boolean): Screen {
  const { env, stdout } = process;
  if (json) return new NoScreen();
  if (!stdout.isTTY || env.TERM === "dumb") return new LineScreen((text) => process.stdout.write(text));
  return new TerminalScreen(stdout, !env.NO_COLOR);
}

function within(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value >= low && value <= high)) {
      throw new InvalidArgumentError(`Expected a number from ${low} to ${high}.`);
    }
    return value;
  };
}

function wholeWithin(low: number, high: number): (text: string) => number {
  const read = within(low, high);
  return (text) => {
    const value = read(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError("Expected a whole number.");
    return value;
  };
}
