/** `neurabalancer backend`: the server for trials and drills. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Backend, startBackend } from "../backend/server.ts";
import { print, printError } from "./output.ts";

const HELP = `
Endpoints:
  /                  any path echoes the instance, the request and its headers as JSON
  /health            200, or 503 while failing on purpose
  /metrics           {"cpu_usage": …, "memory_usage": …}: percent, measured and smoothed
  /_stats            counts of what was received, served, failed and abandoned
  /_admin/knobs      GET the knobs; POST some of them as JSON to turn them while it runs

Examples:
  $ neurabalancer backend --port 8001
  $ neurabalancer backend --port 8002 --latency-ms 60 --latency-jitter 0.3 --concurrency 4
  $ curl -X POST http://127.0.0.1:8002/_admin/knobs -d '{"error_rate": 0.5, "latency_ms": 5}'

This server is for trials: whoever reaches it can turn its knobs. Never expose it to the internet.`;

interface BackendFlags {
  readonly port: number;
  readonly host: string;
  readonly instanceId?: string;
  readonly latencyMs: number;
  readonly latencyJitter: number;
  readonly errorRate: number;
  readonly hangRate: number;
  readonly concurrency: number;
  readonly failHealth: boolean;
  readonly orca: boolean;
}

/** Adds the `backend` command to `program`. */
export function registerBackend(program: Command): void {
  const number = (flags: string, description: string, env: string, fallback: number, max: number) =>
    new Option(flags, description).env(env).default(fallback).argParser(numberUpTo(max));
  // With an optional value, so that the environment can also say "false".
  const toggle = (flags: string, description: string, env: string) =>
    new Option(`${flags} [yes|no]`, description).env(env).default(false).argParser(yesOrNo);
  program
    .command("backend")
    .description("run a server for trials, which can be slow or failing on purpose")
    .addOption(number("--port <port>", "port to listen on, 0 = any free port", "BACKEND_PORT", 8001, 65_535))
    .addOption(
      new Option("--host <address>", "address to listen on; 0.0.0.0 in a container")
        .env("BACKEND_HOST")
        .default("127.0.0.1"),
    )
    .addOption(
      new Option("--instance-id <name>", "name it gives itself (default: <host name>-<port>)").env(
        "BACKEND_INSTANCE_ID",
      ),
    )
    .addOption(number("--latency-ms <ms>", "mean time that a request takes", "BACKEND_LATENCY_MS", 0, 600_000))
    .addOption(number("--latency-jitter <sigma>", "lognormal spread around that mean", "BACKEND_LATENCY_JITTER", 0, 3))
    .addOption(number("--error-rate <share>", "share answered with 500, 0 to 1", "BACKEND_ERROR_RATE", 0, 1))
    .addOption(number("--hang-rate <share>", "share never answered, 0 to 1", "BACKEND_HANG_RATE", 0, 1))
    .addOption(
      number("--concurrency <n>", "requests worked on at once, 0 = no limit", "BACKEND_CONCURRENCY", 0, 1_000_000),
    )
    .addOption(toggle("--fail-health", "let /health answer 503", "BACKEND_FAIL_HEALTH"))
    .addOption(toggle("--orca", "report load in a header of every response (ORCA)", "BACKEND_ORCA"))
    .addHelpText("after", HELP)
    .action((flags: BackendFlags) => runBackend(flags));
}

function runBackend(flags: BackendFlags): void {
  let backend: Backend;
  try {
    backend = startBackend({
      host: flags.host,
      port: flags.port,
      instanceId: flags.instanceId,
      orca: flags.orca,
      knobs: {
        latency_ms: flags.latencyMs,
        latency_jitter: flags.latencyJitter,
        error_rate: flags.errorRate,
        hang_rate: flags.hangRate,
        concurrency: flags.concurrency,
        fail_health: flags.failHealth,
      },
      random: Math.random,
      nowMs: () => performance.now(),
    });
  } catch (error) {
    printError(`backend: cannot listen on ${flags.host}:${flags.port}: ${(error as Error).message}`);
    process.exit(1);
  }
  const stop = () => {
    backend.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Said last: whoever reads it may send a signal at once.
  print(`backend ${backend.instanceId} (pid ${process.pid}) listens on ${backend.url}`);
}

function numberUpTo(max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value >= 0 && value <= max)) throw new InvalidArgumentError(`Expected a number from 0 to ${max}.`);
    if (max > 1000 && !Number.isInteger(value)) throw new InvalidArgumentError("Expected a whole number.");
    return value;
  };
}

function yesOrNo(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off|)$/i.test(text)) return false;
  throw new InvalidArgumentError("Expected yes or no.");
}
