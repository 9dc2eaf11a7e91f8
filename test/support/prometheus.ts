/**
 * A Prometheus of a test's own, on a free port of the loopback: it scrapes what the test starts, and is asked over its HTTP API.
 * It and promtool are in Debian's package `prometheus`; a Prometheus 3 that comes first in PATH is taken as well. The test that
 * started it ends it; the run does, if it does not.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { Daemon, type Outcome, run, spawnSync } from "./processes.ts";
import { until } from "./until.ts";

/** Without them there is nothing to try, but for a run that must not leave anything out. */
export const hasPrometheus =
  (Bun.which("prometheus") !== null && Bun.which("promtool") !== null) || process.env.CI === "true";
if (!hasPrometheus)
  console.warn("SKIPPED: neither prometheus nor promtool is installed (Debian's package `prometheus`)");

/** 3 from that version on; 2 for Debian's. */
export const prometheusMajor = Bun.which("prometheus") === null ? 0 : majorVersion();

function majorVersion(): number {
  const { stdout } = spawnSync(["prometheus", "--version"]);
  // Debian's has its number; one that somebody built for himself may not.
  return Number(/version (\d+)\./.exec(stdout.toString())?.[1] ?? 3);
}

/** Was a flag of version 2, and is a setting of a scrape since. */
const NATIVE = "native-histograms";

/** What version 2 does not know of a job. */
const ONLY_SINCE_3 = ["scrape_native_histograms", "always_scrape_classic_histograms"];

/** configs/prometheus/prometheus.yml, but for what a version 2 that is here does not know. */
export function shippedConfig() {
  const config = parse(readFileSync(join(import.meta.dir, "../../configs/prometheus/prometheus.yml"), "utf8"));
  if (prometheusMajor < 3) for (const job of config.scrape_configs) for (const key of ONLY_SINCE_3) delete job[key];
  return config;
}

/** Its job for the product, at `target`. */
export function shippedJob(target: string): object {
  return { ...shippedConfig().scrape_configs[0], static_configs: [{ targets: [target] }] };
}

/** What it is asked to do. */
export interface PrometheusOptions {
  /** By the name of the job: `host:port` each, asked for `/metrics`. */
  readonly jobs?: Readonly<Record<string, readonly string[]>>;
  /** More of `prometheus.yml`; its `scrape_configs` stand beside `jobs`. */
  readonly config?: { readonly scrape_configs?: readonly object[]; readonly [section: string]: unknown };
  /** Paths of files of rules; they are copied. */
  readonly ruleFiles?: readonly string[];
  /** Seconds, one or more; for rules, too. */
  readonly everySeconds?: number;
  /** `--enable-feature`; exemplars and native histograms unless given. */
  readonly features?: readonly string[];
}

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Of an instant: time, value as text. A native histogram has `histogram` instead. */
  readonly value?: readonly [number, string];
  readonly histogram?: readonly [number, { readonly count: string; readonly sum: string }];
}

/** One target, as the API has it. */
export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUrl: string;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
}

/** Exemplars of one series. */
export interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp: number;
  }[];
}

/** One running instance; `await using` ends it. */
export class Prometheus {
  readonly #daemon: Daemon;
  readonly #directory: string;
  readonly url: string;

  private constructor(daemon: Daemon, directory: string, address: string) {
    this.#daemon = daemon;
    this.#directory = directory;
    this.url = `http://${address}`;
  }

  /** Starts it, and waits until it can be asked. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), "nb-prometheus-"));
    const config = join(directory, "prometheus.yml");
    writeFileSync(config, stringify(configOf(options, directory)));
    const features = featuresOf(options).filter((feature) => prometheusMajor < 3 || feature !== NATIVE);
    const daemon = new Daemon([
      "prometheus",
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      "--web.listen-address=127.0.0.1:0",
      "--log.format=json",
      ...(features.length === 0 ? [] : [`--enable-feature=${features.join(",")}`]),
    ]);
    try {
      const address = await daemon.says(({ stderr }) =>
        stderr.includes("Server is ready") ? said(stderr).find(({ msg }) => msg === "Listening on")?.address : null,
      );
      return new Prometheus(daemon, directory, address);
    } catch (error) {
      daemon.process.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** What it complained of so far. */
  get complaints(): string[] {
    const isOne = ({ level = "" }: Said) => ["warn", "error"].includes(level.toLowerCase());
    return said(this.#daemon.stderr)
      .filter(isOne)
      .map((line) => JSON.stringify(line));
  }

  /** An instant query. @param atSeconds since the epoch; now unless given. */
  async query(expression: string, atSeconds?: number): Promise<readonly Series[]> {
    const time = `${atSeconds ?? Date.now() / 1000}`;
    return (await this.api<{ result: readonly Series[] }>("query", { query: expression, time })).result;
  }

  /** The value of an instant query that comes to one number; NaN when it comes to nothing. */
  async number(expression: string): Promise<number> {
    const series = await this.query(expression);
    if (series.length > 1) throw new Error(`${series.length} series answer ${expression}`);
    return Number(series[0]?.value?.[1] ?? Number.NaN);
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.api<{ activeTargets: readonly Target[] }>("targets")).activeTargets;
  }

  /** Type, help and unit by the name of a family. OpenMetrics' counters are called without `_total`. */
  async metadata(): Promise<Readonly<Record<string, readonly { type: string; help: string; unit: string }[]>>> {
    return this.api("metadata");
  }

  /** Exemplars of the last hour. */
  async exemplars(expression: string): Promise<readonly ExemplarSeries[]> {
    const now = Date.now() / 1000;
    return this.api("query_exemplars", { query: expression, start: `${now - 3600}`, end: `${now + 60}` });
  }

  /**
   * Waits until every target has been scraped after now: what is counted by now is there. Throws when a scrape failed, unless
   * for want of time: where everything waits for a busy machine, so does a scrape.
   */
  async scraped(): Promise<void> {
    const since = Date.now();
    await until(async () => {
      const targets = await this.api<{ activeTargets: { lastScrape: string; lastError: string }[] }>("targets");
      const isScraped = targets.activeTargets.map(({ lastScrape, lastError }) => {
        if (lastError !== "" && !lastError.includes("deadline exceeded"))
          throw new Error(`a scrape failed: ${lastError}`);
        return lastError === "" && Date.parse(lastScrape) > since;
      });
      return isScraped.length > 0 && !isScraped.includes(false);
    });
  }

  /** `GET /api/v1/<path>`. Throws what it complains of. */
  async api<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(`Prometheus says of ${path}: ${answer.error}`);
    return answer.data;
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface Said {
  readonly level?: string;
  readonly msg?: string;
  readonly address?: string;
}

/** Its log so far. Versions differ in the order of keys and in capitals. */
function said(stderr: string): Said[] {
  const lines = stderr.slice(0, stderr.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

function featuresOf({ features = ["exemplar-storage", NATIVE] }: PrometheusOptions): readonly string[] {
  return features;
}

function configOf(options: PrometheusOptions, directory: string) {
  const { jobs = {}, config = {}, ruleFiles = [], everySeconds = 1 } = options;
  mkdirSync(join(directory, "rules"));
  const copies = ruleFiles.map((_, i) => join(directory, "rules", `${i}.yml`));
  for (const [i, path] of ruleFiles.entries()) cpSync(path, copies[i]);
  const { scrape_configs = [], ...more } = config;
  const every = `${everySeconds}s`;
  return {
    global: {
      scrape_interval: every,
      scrape_timeout: every,
      evaluation_interval: every,
      ...(prometheusMajor >= 3 && featuresOf(options).includes(NATIVE) && { scrape_native_histograms: true }),
    },
    ...(copies.length > 0 && { rule_files: copies }),
    ...more,
    scrape_configs: [
      ...Object.entries(jobs).map(([job_name, targets]) => ({ job_name, static_configs: [{ targets }] })),
      ...scrape_configs,
    ],
  };
}

/** `promtool <arguments>`; `input` is its standard input. */
export function promtool(args: readonly string[], input?: string): Promise<Outcome> {
  return run(["promtool", ...args], input === undefined ? {} : { input: new Blob([input]) });
}
