/** `neurabalancer load`: requests for a running instance, and what became of them. */
import { readFileSync, statSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../config/values/units.ts";
import { type LoadRequest, MOST_OPEN, type Pace, runLoad } from "../load/run.ts";
import { type LoadSummary, renderLoadSummary, renderProgress } from "../load/summary.ts";
import { number, whole } from "./numbers.ts";
import { print, printError, printJson } from "./output.ts";

const HELP = `
At --rate requests are sent at random times, whatever becomes of those before (an open loop), and their latency counts from when
they were due. With --clients each client sends its next request when it has the response to the one before (a closed loop): that
finds out what a server can do, and hides how long it stalls. A response of 500 or more, or none, has failed. Shares of servers are
shown where URL is an instance of NeuraBalancer.

Examples:
  $ neurabalancer load http://127.0.0.1:8080/                      100 requests a second for 10 seconds
  $ neurabalancer load http://127.0.0.1:8080/shop --rate 500 --duration 1m
  $ neurabalancer load http://127.0.0.1:8080/ --clients 50 --requests 10000
  $ neurabalancer load https://shop.test/orders --method POST --body @order.json --header 'Content-Type: application/json'

Exit codes:
  0  of the requests no more failed than --max-failed says
  1  more did, or there was no response at all, or the usage is wrong`;

const MOST_BODY_BYTES = 100_000_000;
const MOST_RATE = 20_000;
const DAY_MS = 86_400_000;
const DEFAULT_RATE = 100;
const DEFAULT_DURATION_MS = 10_000;

interface LoadFlags {
  readonly rate?: number;
  readonly clients?: number;
  readonly duration?: number;
  readonly requests?: number;
  readonly method?: string;
  readonly header: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  readonly timeout: number;
  readonly insecure?: boolean;
  readonly maxFailed: number;
  readonly json?: boolean;
}

/** Adds the `load` command to `program`. */
export function registerLoad(program: Command): void {
  program
    .command("load")
    .description("send requests to a running instance, and sum up what became of them")
    .argument("<url>", "what is asked, http:// or https://", urlOf)
    .addOption(
      new Option("--rate <n>", `requests per second (default: ${DEFAULT_RATE})`)
        .argParser(number(0.1, MOST_RATE))
        .conflicts("clients"),
    )
    .addOption(new Option("--clients <n>", "clients with one request at a time each").argParser(whole(1, MOST_OPEN)))
    .addOption(new Option("--duration <time>", "end after so long (default: 10s)").argParser(durationOf(DAY_MS)))
    .addOption(new Option("--requests <n>", "end after so many").argParser(whole(1, 1e9)))
    .addOption(new Option("--method <name>", "default: GET, or POST with a body").argParser(methodOf))
    .addOption(
      new Option("-H, --header <field>", "such as 'Accept: text/html'; as often as wanted")
        .default([], "none")
        .argParser(fieldOf),
    )
    .addOption(new Option("--body <text>", "what is sent; @file: what is in that file").argParser(bodyOf))
    .addOption(
      new Option("--timeout <time>", "a response that takes longer has failed")
        .default(10_000, "10s")
        .argParser(durationOf(3_600_000)),
    )
    .addOption(new Option("--insecure", "take any certificate"))
    .addOption(
      new Option("--max-failed <percent>", "exit with 0 while no more failed").default(0).argParser(number(0, 100)),
    )
    .addOption(new Option("--json", "the summary as JSON on standard output"))
    .addHelpText("after", HELP)
    .action(load);
}

async function load(url: URL, flags: LoadFlags): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  const request: LoadRequest = {
    url,
    method: flags.method ?? (flags.body === undefined ? "GET" : "POST"),
    headers: new Headers(flags.header.map(([name, value]) => [name, value] as [string, string])),
    body: flags.body ?? null,
    timeoutMs: flags.timeout,
    isVerified: flags.insecure !== true,
  };
  if (request.body !== null && /^(GET|HEAD)$/.test(request.method)) {
    printError(`load: ${request.method} has no body (RFC 9110, 9.3.1): --method POST`);
    process.exitCode = 1;
    return;
  }
  const pace: Pace =
    flags.clients === undefined
      ? { kind: "rate", perSecond: flags.rate ?? DEFAULT_RATE }
      : { kind: "clients", clients: flags.clients };
  const summary = await runLoad({
    request,
    pace,
    durationMs: flags.duration ?? (flags.requests === undefined ? DEFAULT_DURATION_MS : null),
    requests: flags.requests ?? null,
    stop: stop.signal,
    onProgress: (progress) => printError(renderProgress(progress)),
    random: Math.random,
    nowMs: () => performance.now(),
  });
  if (flags.json === true) printJson(summary);
  else print(renderLoadSummary(summary));
  process.exitCode = isWell(summary, flags.maxFailed) ? 0 : 1;
}

function isWell({ requests, failed, succeeded }: LoadSummary, maxFailedPercent: number): boolean {
  return succeeded > 0 && failed * 100 <= maxFailedPercent * requests;
}

function urlOf(text: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("Expected a URL such as http://127.0.0.1:8080/.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidArgumentError("A URL may not hold a password: --header 'Authorization: …'.");
  }
  return url;
}

function durationOf(mostMs: number): (text: string) => number {
  return (text) => {
    const amount = parseDuration(text)?.amount ?? Number.NaN;
    if (amount > 0 && amount <= mostMs) return amount;
    throw new InvalidArgumentError(`Expected a duration such as 30s or 5m, ${mostMs / 3_600_000} h at most.`);
  };
}

function methodOf(text: string): string {
  if (/^[A-Z]{1,20}$/.test(text) && !/^(CONNECT|TRACE)$/.test(text)) return text;
  throw new InvalidArgumentError("Expected the name of a method, such as POST.");
}

function fieldOf(text: string, before: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const colon = text.indexOf(":");
  const field = [text.slice(0, colon), text.slice(colon + 1).trim()] as const;
  try {
    if (colon > 0) {
      new Headers([[field[0], field[1]]]);
      return [...before, field];
    }
  } catch {
    // It is said below.
  }
  throw new InvalidArgumentError("Expected a field such as 'Accept: text/html'.");
}

function bodyOf(text: string): Uint8Array {
  if (!text.startsWith("@")) return new TextEncoder().encode(text);
  const file = text.slice(1);
  try {
    const { size } = statSync(file);
    if (size > MOST_BODY_BYTES) throw new InvalidArgumentError(`${file} is larger than ${MOST_BODY_BYTES / 1e6} MB.`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    throw new InvalidArgumentError(`Cannot read ${file} (${(error as NodeJS.ErrnoException).code}).`);
  }
}
