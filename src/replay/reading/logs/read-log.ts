/** Makes a recording of an access log of another proxy. The file is read twice: what is in it, then the requests. */
import { basename } from "node:path";
import { describeRange, inRange, LATENCY_MS, MOMENT_MS } from "../../../shared/ranges.ts";
import { Absences } from "../absences.ts";
import { OTHER_CLASS, requestPattern } from "../classes.ts";
import { countInFlight } from "../in-flight.ts";
import { checkSpan, MAX_REQUESTS, NothingToReplayError, type Reading, type ReadingWindow } from "../reading.ts";
import { RequestsBuilder } from "../requests-builder.ts";
import { haproxyFormat } from "./haproxy/haproxy-format.ts";
import { linesOf } from "./lines.ts";
import { emptyLine, type LogFormat, type LogLine } from "./log-format.ts";
import { NGINX_FORMAT } from "./nginx/nginx-format.ts";
import { describeUnreadable, Survey, type SurveyedPool } from "./survey.ts";

/** Formats of logs, as the command line names them. */
export const LOG_FORMATS: Readonly<Record<string, () => LogFormat>> = {
  nginx: () => NGINX_FORMAT,
  haproxy: haproxyFormat,
};

/** How a log is read. */
export interface LogOptions extends ReadingWindow {
  /** A key of `LOG_FORMATS`. */
  readonly format: string;
  /** One log; several files are parts of it, in any order. */
  readonly files: readonly string[];
  /** What balanced, if somebody knows. */
  readonly strategy: string | null;
  /** For the choice of requests where there are too many. */
  readonly random: () => number;
  /** Single requests that are kept at most. */
  readonly maxRequests?: number;
  /** Told now and then how many lines were read. */
  readonly onProgress?: (phase: string, lines: number) => void;
}

/** Throws a `NothingToReplayError` where there is nothing to replay, and an `Error` where a file cannot be read. */
export async function readLog(options: LogOptions): Promise<Reading> {
  const survey = new Survey(options);
  await eachLine(options, "reading the log", (line, problem, file, number, text) => {
    if (problem === null) survey.take(line);
    else survey.refuse(file, number, problem, text);
  });
  const pool = survey.chosen();
  return new LogRecording(options, survey, pool).read();
}

type TakeLine = (line: LogLine, problem: string | null, file: string, number: number, text: string) => void;

async function eachLine(options: LogOptions, phase: string, take: TakeLine): Promise<void> {
  const line = emptyLine();
  let total = 0;
  for (const file of options.files) {
    const format = LOG_FORMATS[options.format]();
    let number = 0;
    for await (const texts of linesOf(file)) {
      for (const raw of texts) {
        number++;
        const text = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (text === "") continue;
        take(line, format.read(text, line) ?? impossibleIn(line), file, number, text);
      }
      total += texts.length;
      options.onProgress?.(phase, total);
    }
  }
}

/** What is wrong with the numbers of a line that could be read; `null` = nothing. */
function impossibleIn({ kind, atMs, waitMs, latencyMs }: LogLine): string | null {
  if (kind !== "request") return null;
  if (!inRange(atMs, MOMENT_MS)) return "its time is none that there can be";
  if (inRange(waitMs, LATENCY_MS) && inRange(latencyMs, LATENCY_MS)) return null;
  return `how long it took must be ${describeRange(LATENCY_MS)} milliseconds`;
}

class LogRecording {
  readonly #options: LogOptions;
  readonly #survey: Survey;
  readonly #pool: SurveyedPool;
  readonly #classes: readonly string[];
  readonly #classIndex: ReadonlyMap<string, number>;
  readonly #servers: readonly string[];
  readonly #serverIndex: ReadonlyMap<string, number>;
  readonly #startMs: number;
  readonly #seconds: number;
  readonly #requests: RequestsBuilder;
  readonly #arrivals: Float64Array;
  readonly #absences: Absences;
  /** When the last request ended: lines about servers may have no time of their own. */
  #nowMs = Number.NEGATIVE_INFINITY;
  #left = 0;
  #abandoned = 0;
  #retried = 0;
  #noServer = 0;
  #early = 0;

  constructor(options: LogOptions, survey: Survey, pool: SurveyedPool) {
    this.#options = options;
    this.#survey = survey;
    this.#pool = pool;
    this.#classes = pool.classes.classes();
    this.#classIndex = indexOf(this.#classes);
    this.#servers = [...pool.servers.keys()].sort(byNumbers);
    this.#serverIndex = indexOf(this.#servers);
    if (this.#servers.length === 0) {
      throw new NothingToReplayError(`none of the ${pool.requests} requests in the log reached a server`);
    }
    checkSpan(pool.fromMs, pool.toMs, this.#classes.length);
    this.#startMs = Math.floor(pool.fromMs / 1000) * 1000;
    this.#seconds = Math.floor((pool.toMs - this.#startMs) / 1000) + 1;
    this.#requests = new RequestsBuilder(options.maxRequests ?? MAX_REQUESTS, options.random);
    this.#arrivals = new Float64Array(this.#seconds * this.#classes.length);
    this.#absences = new Absences(this.#startMs, this.#seconds * 1000);
    this.#left = pool.requests;
  }

  async read(): Promise<Reading> {
    await eachLine(this.#options, "reading its requests", (line, problem) => {
      if (problem === null && line.pool === this.#pool.name) this.#take(line);
    });
    const complete = this.#requests.thinning === 1;
    const requests = this.#requests.finish(this.#startMs);
    if (complete) countInFlight(requests, this.#servers.length);
    const { files, format, strategy } = this.#options;
    const of = this.#pool.name === "" ? "" : `, pool ${this.#pool.name}`;
    return {
      recording: {
        source: `${LOG_FORMATS[format]().name} log ${files.map((file) => basename(file)).join(", ")}${of}`,
        startMs: this.#startMs,
        durationMs: this.#seconds * 1000,
        strategy,
        servers: this.#servers.map((name) => ({ name, weight: 1, capacity: null })),
        classes: this.#classes,
        requests,
        arrivals: complete ? null : this.#arrivals,
        absences: this.#absences.finish(),
      },
      notes: this.#notes(),
    };
  }

  #take(line: LogLine): void {
    if (line.kind === "up" || line.kind === "down") {
      const server = this.#serverIndex.get(line.server);
      if (server !== undefined) this.#absences.observe(server, line.kind === "up", this.#nowMs);
      return;
    }
    if (line.kind !== "request") return;
    this.#nowMs = line.atMs + line.waitMs + line.latencyMs;
    const { sinceMs, untilMs } = this.#options;
    // What was written to the log since it was surveyed is left out, so that both agree.
    if (line.atMs < sinceMs || line.atMs >= untilMs || this.#left === 0) return;
    if (line.atMs < this.#pool.fromMs) {
      this.#early++;
      return;
    }
    const second = Math.floor((line.atMs - this.#startMs) / 1000);
    if (second < 0 || second >= this.#seconds) return;
    this.#left--;
    if (line.abandoned) this.#abandoned++;
    if (line.attempts > 1) this.#retried++;
    if (line.server === "") this.#noServer++;
    const kind =
      this.#classIndex.get(requestPattern(line.method, line.target)) ?? this.#classIndex.get(OTHER_CLASS) ?? 0;
    this.#arrivals[second * this.#classes.length + kind]++;
    this.#requests.add({
      atMs: line.atMs,
      server: line.server === "" ? -1 : (this.#serverIndex.get(line.server) ?? -1),
      class: kind,
      latencyMs: line.latencyMs,
      waitMs: line.waitMs,
      failed: line.failed,
      inFlight: -1,
      weight: 1,
    });
  }

  #notes(): string[] {
    const { unreadable, firstUnreadable, lines, local } = this.#survey;
    const { requests } = this.#pool;
    const notes: string[] = [];
    if (this.#options.strategy === null) {
      notes.push(
        "A log does not say what balanced: --ran tells it (docs/replay.md). Without it the self-check is harder than it need be where the choice looked at load.",
      );
    }
    if (firstUnreadable !== null) {
      notes.push(
        `${unreadable} of ${lines} lines cannot be read; the first is ${describeUnreadable(firstUnreadable)}.`,
      );
    }
    if (local > 0) notes.push(`${local} requests were answered without a server, and are left out.`);
    if (this.#early > 0) {
      notes.push(`${this.#early} of ${requests} requests began long before all others ended, and are left out.`);
    }
    if (this.#noServer > 0) notes.push(`${this.#noServer} of ${requests} requests found no server to go to.`);
    if (this.#retried > 0) {
      notes.push(
        `${this.#retried} of ${requests} requests were sent more than once: they count for their last server, and the time before as waiting.`,
      );
    }
    if (this.#abandoned > 0) {
      notes.push(
        `In ${this.#abandoned} of ${requests} requests the client left before the response: they count as long as it waited.`,
      );
    }
    if (this.#requests.thinning > 1) {
      notes.push(`There are too many requests to hold: one in ${this.#requests.thinning} is taken, by chance.`);
    }
    return notes;
  }
}

function indexOf(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, index) => [name, index]));
}

/** s2 before s10. */
function byNumbers(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
