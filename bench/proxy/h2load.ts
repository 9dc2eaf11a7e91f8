/** Clients of HTTP/2: h2load of nghttp2, which is nobody's here. Every run opens connections of its own. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable, versionOf } from "../common/programs.ts";
import { quantile } from "../common/statistics.ts";
import type { Load, RunResult, Target } from "../load/messages.ts";
import { PATTERN } from "../load/pattern.ts";
import { fieldsOf, SITE } from "../load/requests.ts";

/** Requests of one start of it, where only the time is bounded. */
const CHUNK_REQUESTS = 20_000;

/** The version of h2load on this machine; null = there is none. */
export function h2loadVersion(): string | null {
  return versionOf([executable("h2load") ?? "h2load", "--version"], /nghttp2\/(\S+)/);
}

export class H2load {
  readonly #directory: string;
  readonly #prefix: readonly string[];
  readonly #now: () => number;

  /**
   * @param directory for its files.
   * @param prefix goes before its command, such as `taskset -c 0`.
   */
  constructor(directory: string, prefix: readonly string[], now: () => number) {
    this.#directory = directory;
    this.#prefix = prefix;
    this.#now = now;
  }

  /** As the generator's `run`. Throws an `Error` when a response is not a good one. */
  async run(target: Target, load: Load, requests: number, seconds: number): Promise<RunResult> {
    const latencies: number[] = [];
    const least = load.connections * load.streams;
    const untilMs = this.#now() + seconds * 1000;
    let total = 0;
    let spent = 0;
    do {
      const some = Math.max(least, Math.min(requests - total, CHUNK_REQUESTS));
      spent += await this.#start(target, load, seconds === Number.MAX_SAFE_INTEGER ? requests : some, latencies);
      total += seconds === Number.MAX_SAFE_INTEGER ? requests : some;
    } while (total < requests && this.#now() < untilMs);
    latencies.sort((a, b) => a - b);
    return { requests: total, seconds: spent, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
  }

  /** @returns how long it took, seconds. */
  async #start({ port, tls }: Target, load: Load, requests: number, latencies: number[]): Promise<number> {
    const { request, connections, streams } = load;
    const log = join(this.#directory, "h2load.log");
    const body = join(this.#directory, "h2load.body");
    const fields = fieldsOf(request).flatMap((line) => ["-H", line]);
    if (request.bodyBytes > 0) {
      writeFileSync(body, PATTERN.subarray(0, request.bodyBytes));
      fields.push("-d", body);
    }
    const child = Bun.spawn(
      [
        ...this.#prefix,
        executable("h2load") ?? "h2load",
        ...["-n", String(requests), "-c", String(connections), "-m", String(streams)],
        ...["--window-bits=30", "--connection-window-bits=30", `--log-file=${log}`, ...fields],
        ...["-H", `:authority: ${SITE}`],
        `${tls ? "https" : "http"}://127.0.0.1:${port}${request.path}`,
      ],
      { stdout: "pipe", stderr: "pipe", stdin: "ignore" },
    );
    const [said, complaint] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    const good = Number(/(\d+) 2xx/.exec(said)?.[1] ?? 0);
    if (code !== 0 || good !== requests) {
      throw new Error(`h2load: ${good} good responses to ${requests} requests\n${said}${complaint}`);
    }
    for (const line of readFileSync(log, "utf8").trimEnd().split("\n"))
      latencies.push(Number(line.split("\t")[2]) / 1000);
    rmSync(log);
    return secondsIn(said);
  }
}

/** `finished in 937.11ms`, or in other units. */
function secondsIn(said: string): number {
  const [, number, unit] = /finished in ([\d.]+)(us|ms|s)/.exec(said) ?? [];
  const factor = { us: 1e-6, ms: 1e-3, s: 1 }[unit];
  if (factor === undefined) throw new Error(`h2load does not say how long it took:\n${said}`);
  return Number(number) * factor;
}
