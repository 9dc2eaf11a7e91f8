/** The product as its users run it: launcher, supervisor, two workers. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEEPS_NOTHING } from "../../support/configuration.ts";
import { Daemon } from "../../support/processes.ts";
import { type LogLine, sumOfSamples } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";

const LAUNCHER = join(import.meta.dir, "../../../bin/neurabalancer");

const SETTINGS = {
  ...KEEPS_NOTHING,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "0",
  WORKERS: "2",
  HEALTH_CHECK_INTERVAL_SECONDS: "5",
  HEALTH_CHECK_TIMEOUT_SECONDS: "5",
  SLOW_START_SECONDS: "0",
  SHUTDOWN_TIMEOUT_SECONDS: "2",
};

/** One running instance. */
export class Product {
  readonly #daemon: Daemon;
  readonly port: number;
  /** NaN when there are no certificates. */
  readonly tlsPort: number;

  /** Its own: what operators change is kept in it. */
  readonly #directory: string;

  private constructor(daemon: Daemon, started: LogLine, directory: string) {
    this.#daemon = daemon;
    this.#directory = directory;
    this.port = started.port as number;
    this.tlsPort = Number(started.tls_port);
  }

  /** Starts it before `servers` and waits until all of them count as healthy. */
  static async start(servers: readonly string[], settings: Record<string, string> = {}): Promise<Product> {
    const directory = mkdtempSync(join(tmpdir(), "neurabalancer-e2e-"));
    const env = { ...SETTINGS, DATA_DIR: directory, SERVERS: servers.join(","), ...settings };
    // Under load a test reads the access log more slowly than it is written, and lines of it would be dropped.
    const daemon = new Daemon([LAUNCHER, "serve"], { env, quiet: true });
    try {
      const started = await daemon.says(() => logLines(daemon).find(({ msg }) => msg.startsWith("balancing over")));
      const product = new Product(daemon, started, directory);
      await until(async () => (await product.servers()).every(({ alive }) => alive));
      return product;
    } catch (error) {
      daemon.process.kill("SIGKILL");
      await daemon.process.exited;
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Lines of the process log at `warn` and above. */
  complaints(): LogLine[] {
    return logLines(this.#daemon).filter(({ level }) => ["warn", "error", "fatal"].includes(level));
  }

  async servers(): Promise<{ url: string; alive: boolean; active_connections: number }[]> {
    return (await fetch(`${this.url}/api/v1/servers`)).json() as never;
  }

  /** Sum of all samples in /metrics whose line matches. */
  async metric(pattern: RegExp): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return sumOfSamples(text, (line) => pattern.test(line));
  }

  /** Resident memory of the workers in bytes; what they share with the other processes is divided among them. */
  workerMemory(): number {
    const { pid } = this.#daemon;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return children.reduce((sum, child) => {
      const rollup = readFileSync(`/proc/${child}/smaps_rollup`, "utf8");
      return sum + Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
    }, 0);
  }

  /** Stops it as an operator does. Throws unless it ended in order. */
  async stop(): Promise<void> {
    const code = await this.#daemon.stop();
    rmSync(this.#directory, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the product ended with ${code}: ${this.#daemon.stderr}`);
  }
}

function logLines({ stderr }: Daemon): LogLine[] {
  const lines = stderr.slice(0, stderr.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** Calls `sample` every 50 ms while `work` runs. @returns the highest of its values above the first. */
export async function growthDuring(sample: () => number, work: () => Promise<unknown>): Promise<number> {
  const before = sample();
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, sample());
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(highest, sample()) - before;
}
