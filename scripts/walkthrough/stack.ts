/**
 * The parts of docker-compose.yml as processes of this machine, on free ports of the loopback: what `docker compose up` starts, where
 * there is no engine. Grafana, Tempo and Alloy are not among them; Loki is where it is found, the collector where it was built.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { PASSWORD, PostgresServer } from "../../test/support/databases/postgres-server.ts";
import { RedisServer } from "../../test/support/databases/redis-server.ts";
import { Daemon } from "../../test/support/processes.ts";
import { Prometheus, shippedJob } from "../../test/support/prometheus.ts";
import { startGrpcCollector } from "../../test/support/tracing/collectors.ts";
import { until } from "../../test/support/until.ts";
import { LogShipper } from "./shipper.ts";

const ROOT = join(import.meta.dir, "../..");
const LAUNCHER = join(ROOT, "bin/neurabalancer");
const COLLECTOR = join(ROOT, "node_modules/.cache/otel-collector");
const RULES = ["recording.yml", "alerts.yml"].map((name) => join(ROOT, "configs/prometheus/rules", name));
/** The servers for trials of docker-compose.yml, each with its port there. */
export const BACKENDS = { "backend-1": 8001, "backend-2": 8002, "backend-3": 8003 } as const;
/** A name of one. */
type Backend = keyof typeof BACKENDS;
export const DATABASE = "neurabalancer";
const FIRST_PORT = 5500;
/** On a machine with other work, five processes of one instance take their time. */
const START_DEADLINE_MS = 120_000;

const ACCESS_LOG = "logs/access.log";

/** What is started where it is at hand. */
export interface Extras {
  /** The program of Loki 3; `null` = there is none. */
  readonly loki: string | null;
  /** Whether there is a collector. */
  readonly collector: boolean;
}

/** What this machine has. @param environment `LOKI` may name the program. */
export function extrasHere(environment: Readonly<Record<string, string | undefined>>): Extras {
  const { LOKI } = environment;
  return { loki: LOKI !== undefined && existsSync(LOKI) ? LOKI : Bun.which("loki"), collector: existsSync(COLLECTOR) };
}

interface Stoppable {
  stop?(): unknown;
  remove?(): unknown;
}

/** One running stack. */
export class Stack {
  readonly #directory: string;
  readonly #ports = new Map<string, number>();
  readonly #backends = new Map<string, Daemon>();
  /** In the order of their start. */
  readonly #running: Stoppable[] = [];
  #balancer: Daemon | null = null;
  #shipper: LogShipper | null = null;

  #starting: Promise<void> = Promise.resolve();
  #isEnding = false;

  /**
   * @param directory of its own, with the `.env` of whoever starts it, as docker-compose.yml hands it to the balancer; whoever made it
   *   takes it away.
   */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Starts all of it, and waits until it serves. Once; whatever comes of it, `end` ends it. */
  start(extras: Extras): Promise<void> {
    this.#starting = this.#start(extras);
    return this.#starting;
  }

  async #start(extras: Extras): Promise<void> {
    mkdirSync(this.#path("logs"));
    const [postgres, redis] = await Promise.all([this.#kept(PostgresServer.start()), this.#kept(RedisServer.start())]);
    await postgres.query(`CREATE DATABASE ${DATABASE}`);
    this.#ports.set("postgres", postgres.port);
    await this.#takePorts();
    await Promise.all(Object.keys(BACKENDS).map((name) => this.startBackend(name)));
    this.#startModelServer();
    const traces = extras.collector ? await this.#startCollector() : {};
    const environment = {
      SERVERS: Object.keys(BACKENDS)
        .map((name) => `http://${this.addressOf(name)}`)
        .join(","),
      APP_HOST: "127.0.0.1",
      APP_PORT: `${this.portOf("load-balancer")}`,
      ADMIN_HOST: "127.0.0.1",
      ADMIN_PORT: `${this.portOf("admin")}`,
      INSTANCE_NAME: "load-balancer",
      DATA_DIR: this.#path("data"),
      ACCESS_LOG_FILE: this.#path(ACCESS_LOG),
      DB_HOST: "127.0.0.1",
      DB_PORT: `${postgres.port}`,
      DB_NAME: DATABASE,
      DB_USER: "postgres",
      DB_PASSWORD: PASSWORD,
      REDIS_ADDR: redis.addr,
      ...traces,
    };
    this.#balancer = this.#keep(new Daemon([LAUNCHER, "serve"], { cwd: this.#directory, env: environment }));
    await this.#balancer.says(({ stderr }) => stderr.includes("balancing over"));
    await this.#startPrometheus(extras.collector);
    if (extras.loki !== null) await this.#startLoki(extras.loki);
    await this.#isReady(`http://${this.addressOf("load-balancer")}/health/ready`);
    await this.#isReady(`http://${this.addressOf("model-server")}/health`);
  }

  /** Names of what was started, with its port: the services of docker-compose.yml, and `admin`, the balancer's second one. */
  get ports(): ReadonlyMap<string, number> {
    return this.#ports;
  }

  /** Throws where nothing of that name was started. */
  portOf(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`${name} was not started`);
    return port;
  }

  addressOf(name: string): string {
    return `127.0.0.1:${this.portOf(name)}`;
  }

  /** The process log of the balancer so far. */
  get processLog(): string {
    return this.#balancer?.stderr ?? "";
  }

  /** Starts one of `BACKENDS`, also one that was killed. */
  async startBackend(name: string): Promise<void> {
    if (this.#backends.has(name)) return;
    const args = ["backend", "--host", "127.0.0.1", "--port", `${this.portOf(name)}`, "--instance-id", name];
    const { BACKEND_LATENCY_MS, BACKEND_LATENCY_JITTER } = composed(name as Backend);
    const env = { BACKEND_LATENCY_MS, BACKEND_LATENCY_JITTER };
    this.#backends.set(name, this.#keep(new Daemon([LAUNCHER, ...args], { env, quiet: true })));
    await this.#isReady(`http://${this.addressOf(name)}/health`);
  }

  /** Ends one of `BACKENDS` at once. Throws when it does not run. */
  async killBackend(name: string): Promise<void> {
    const daemon = this.#backends.get(name);
    if (daemon === undefined) throw new Error(`${name} does not run`);
    this.#backends.delete(name);
    daemon.process.kill("SIGKILL");
    await daemon.process.exited;
  }

  /** Ends all of it, whatever has ended already, also while it starts. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#starting.catch(() => {});
    const failed: unknown[] = [];
    for (const each of this.#running.splice(0).reverse()) {
      try {
        await each.stop?.();
        await each.remove?.();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} parts of the stack did not end in order`);
  }

  async #takePorts(): Promise<void> {
    for (const name of ["load-balancer", "admin", "model-server"]) this.#ports.set(name, await this.#freePort());
    const names = Object.keys(BACKENDS);
    for (const name of names) this.#ports.set(name, await this.#freePort());
    // Rows that are sorted by address are in the order of the names.
    const sorted = names.map((name) => this.portOf(name)).sort((a, b) => a - b);
    for (const [at, name] of names.entries()) this.#ports.set(name, sorted[at]);
  }

  /** Of four digits, so that tables are as wide as in the stack, whose ports have four; and larger than what is counted here. */
  async #freePort(): Promise<number> {
    const taken = new Set(this.#ports.values());
    for (let tries = 0; tries < 200; tries++) {
      const port = FIRST_PORT + Math.floor(Math.random() * (10_000 - FIRST_PORT));
      if (!taken.has(port) && !(await answersAt(port))) return port;
    }
    throw new Error("no port of four digits is free on 127.0.0.1");
  }

  #startModelServer(): void {
    cpSync(join(ROOT, "models/prior"), this.#path("models/prior"), { recursive: true });
    const env = {
      ML_SERVICE_HOST: "127.0.0.1",
      ML_SERVICE_PORT: `${this.portOf("model-server")}`,
      MODEL_PATH: "models/prior",
      ORT_DISABLE_TELEMETRY: "1",
    };
    this.#keep(new Daemon([LAUNCHER, "model-server"], { cwd: this.#directory, env, quiet: true }));
  }

  /** @returns what tells the balancer of it. */
  async #startCollector(): Promise<Record<string, string>> {
    // In Tempo's place: it takes spans, and nobody asks it for them.
    const sink = await this.#kept(startGrpcCollector());
    for (const name of ["otlp", "otlp-http", "collector-health", "otel-collector"])
      this.#ports.set(name, await this.#freePort());
    const config = parse(readFileSync(join(ROOT, "configs/otel/otel-collector.yml"), "utf8"));
    config.receivers.otlp.protocols.grpc.endpoint = this.addressOf("otlp");
    config.receivers.otlp.protocols.http.endpoint = this.addressOf("otlp-http");
    config.exporters["otlp_grpc/tempo"].endpoint = `127.0.0.1:${sink.port}`;
    config.extensions.health_check.endpoint = this.addressOf("collector-health");
    const [reader] = config.service.telemetry.metrics.readers;
    Object.assign(reader.pull.exporter.prometheus, { host: "127.0.0.1", port: this.portOf("otel-collector") });
    const daemon = this.#keep(new Daemon([COLLECTOR, JSON.stringify(config)]));
    await daemon.says(({ stderr }) => stderr.includes("Everything is ready"));
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${this.addressOf("otlp")}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    };
  }

  async #startPrometheus(withCollector: boolean): Promise<void> {
    const job = (name: string, port: number, more: object) => ({
      ...more,
      // What is scraped is called as in the stack.
      relabel_configs: [{ target_label: "instance", replacement: `${name}:${port}` }],
    });
    const scrape_configs = [job("load-balancer", 8080, shippedJob(this.addressOf("load-balancer")))];
    if (withCollector) {
      const targets = [{ targets: [this.addressOf("otel-collector")] }];
      scrape_configs.push(job("otel-collector", 8888, { job_name: "otel-collector", static_configs: targets }));
    }
    const prometheus = await this.#kept(Prometheus.start({ config: { scrape_configs }, ruleFiles: RULES }));
    this.#ports.set("prometheus", Number(new URL(prometheus.url).port));
  }

  async #startLoki(program: string): Promise<void> {
    this.#ports.set("loki", await this.#freePort());
    const text = readFileSync(join(ROOT, "configs/loki/loki.yml"), "utf8");
    const config = parse(text.replaceAll("/loki", this.#path("loki")));
    Object.assign(config.server, {
      http_listen_address: "127.0.0.1",
      http_listen_port: this.portOf("loki"),
      grpc_listen_address: "127.0.0.1",
      grpc_listen_port: await this.#freePort(),
    });
    const file = this.#path("loki.yml");
    writeFileSync(file, stringify(config));
    this.#keep(new Daemon([program, `-config.file=${file}`], { cwd: this.#directory, quiet: true }));
    this.#shipper = new LogShipper(this.#path(ACCESS_LOG), `http://${this.addressOf("loki")}`);
  }

  /** Waits until Loki has every line of the access log that there is. Throws where there is no Loki. */
  async shipLog(): Promise<void> {
    if (this.#shipper === null) throw new Error("Loki was not started");
    await this.#isReady(`http://${this.addressOf("loki")}/ready`);
    await this.#shipper.ship();
  }

  async #isReady(url: string): Promise<void> {
    await until(async () => {
      try {
        return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok;
      } catch {
        return false;
      }
    }, START_DEADLINE_MS);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  /** What was started is ended with the rest. Throws where that has begun. */
  #keep<T extends Stoppable>(started: T): T {
    this.#running.push(started);
    if (this.#isEnding) throw new Error("it is being ended");
    return started;
  }

  async #kept<T extends Stoppable>(starting: Promise<T>): Promise<T> {
    return this.#keep(await starting);
  }
}

/** What docker-compose.yml has in the environment of a backend. */
function composed(name: Backend): Readonly<Record<string, string>> {
  return parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true }).services[name].environment;
}

/** Whether somebody listens there. */
function answersAt(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
