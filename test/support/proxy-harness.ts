/**
 * The real `ProxyServer` in the test's own process, over a plain buffer instead of shared memory, with backends whose
 * every byte the test scripts.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { Endpoint } from "../../src/protocol/endpoint.ts";
import { limitShape, type WorkerRateLimit } from "../../src/protocol/rate-limit.ts";
import type { RouteSpec } from "../../src/protocol/route.ts";
import type { AskAdmin } from "../../src/proxy/downstream/admin-relay.ts";
import { WakeSockets } from "../../src/proxy/pool/queue/wake-sockets.ts";
import { ProxyServer } from "../../src/proxy/server.ts";
import { Tcp } from "../../src/proxy/sockets/tcp.ts";
import { addChunk } from "../../src/shared/memory/explain/chunks.ts";
import type { ExplainRing } from "../../src/shared/memory/layout/explain.ts";
import { LearnerFigure, LearnerWord } from "../../src/shared/memory/layout/learning.ts";
import { QueueWord } from "../../src/shared/memory/layout/queues.ts";
import {
  Header,
  ServerState,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../src/shared/memory/layout/worker-counters.ts";
import { type LimitMemory, limitMemory } from "../../src/shared/memory/rate-limits/limit-file.ts";
import { publishReadiness } from "../../src/shared/memory/readiness.ts";
import { FREE_ROW, type ServerRow, ServerTableWriter } from "../../src/shared/memory/server-table/writer.ts";
import type { Logger } from "../../src/telemetry/log/logger.ts";
import {
  DEFAULT_POOLS,
  TEST_SETTINGS,
  type TestPool,
  type TestSettings,
  withListeners,
  workerSettings,
} from "./proxy-settings.ts";
import { DEADLINE_MS, until as eventually } from "./until.ts";
import { ConnectionEndedError, Wire, type WireMessage } from "./wire.ts";

export { eventually, TEST_SETTINGS };

/** One event loop for all proxies of the process; it never waits long, for tests have timers. */
function ownSockets(): Tcp {
  tcp ??= new Tcp(
    () => performance.now(),
    1,
    (error) => {
      setImmediate(() => {
        throw error; // fails the run: no handler may throw
      });
    },
    true,
  );
  return tcp;
}

let tcp: Tcp | undefined;

// ── backends ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a backend does with one connection; `index` counts its connections from 0. */
export type Script = (connection: Wire, index: number) => unknown;

/** Memory for explanations, for each of the rings in turn. */
const EXPLAIN_CHUNKS_GIVEN = 4;

/** A server that does what its script says. */
export class Backend {
  readonly connections: Wire[] = [];
  script: Script;
  readonly #server: Server;
  readonly host: string;
  readonly tls: boolean;
  port = 0;

  private constructor(script: Script, host: string, tls: TlsOptions | undefined) {
    this.script = script;
    this.host = host;
    this.tls = tls !== undefined;
    const onConnection = (socket: import("node:net").Socket) => {
      const wire = new Wire(socket, Number.POSITIVE_INFINITY); // as long as the proxy keeps the connection
      const index = this.connections.push(wire) - 1;
      void this.#run(wire, index);
    };
    this.#server = tls
      ? createTlsServer({ ...tls, allowHalfOpen: true }, onConnection)
      : createServer({ allowHalfOpen: true }, onConnection);
    this.#server.on("tlsClientError", () => {});
  }

  async #run(wire: Wire, index: number): Promise<void> {
    try {
      await this.script(wire, index);
    } catch (error) {
      // A script that waits for more on a connection that ended has nothing left to say. Anything else fails the test.
      if (error instanceof ConnectionEndedError) return;
      setImmediate(() => {
        throw error;
      });
      wire.destroy();
    }
  }

  static async start(
    script: Script,
    options: { host?: string; tls?: TlsOptions; port?: number } = {},
  ): Promise<Backend> {
    const { host = "127.0.0.1", tls, port = 0 } = options;
    const backend = new Backend(script, host, tls);
    await new Promise<void>((resolve, reject) => {
      backend.#server.once("error", reject);
      backend.#server.listen({ port, host }, () => resolve());
    });
    backend.port = (backend.#server.address() as AddressInfo).port;
    onCleanup(() => backend.stop());
    return backend;
  }

  /** Answers every request of every connection with what `answer` returns. */
  static answering(
    answer: (request: WireMessage, index: number) => string | Uint8Array | Promise<string | Uint8Array>,
    options: Parameters<typeof Backend.start>[1] = {},
  ): Promise<Backend> {
    return Backend.start(async (connection, index) => {
      for (;;) await connection.send(await answer(await connection.message(), index));
    }, options);
  }

  /** Bytes that arrived on all connections. */
  get received(): number {
    return this.connections.reduce((sum, { received }) => sum + received, 0);
  }

  /** Connections that the proxy has not ended. */
  get open(): number {
    return this.connections.filter(({ ended }) => ended === null).length;
  }

  /** Stops listening and drops its connections. */
  stop(): void {
    this.#server.close();
    for (const connection of this.connections) connection.destroy();
  }
}

/** A response with Content-Length. */
export function ok(body: string | Uint8Array = "", fields = ""): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n${fields}\r\n`), bytes]);
}

/** A request head with a Host field. */
export function get(path = "/", fields = "", method = "GET"): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`;
}

// ── the proxy ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a backend is, as the fleet would tell a worker. */
export interface Target {
  readonly port: number;
  readonly host?: string;
  readonly tls?: boolean;
  readonly http2?: boolean;
  readonly hostname?: string;
  readonly hardLimit?: number;
  /** Row of its pool; the first one by default. */
  readonly pool?: number;
}

export interface ProxyOptions {
  readonly settings?: Partial<TestSettings>;
  /** One pool by default. */
  readonly pools?: readonly TestPool[];
  /** One route to the first pool by default. */
  readonly routes?: readonly Partial<RouteSpec>[];
  /** What relates its clock to the wall clock; that of the process by default. */
  readonly epochOffsetMs?: () => number;
  readonly admin?: AskAdmin;
  /** It is another worker of the same instance, with the same fleet. */
  readonly beside?: TestProxy;
  /** How long a place is kept for another worker; the product's moment by default. */
  readonly graceMs?: number;
}

export class TestProxy {
  readonly memory: SharedMemory;
  /** Which worker it is. */
  readonly index: number;
  readonly #directory: string;
  readonly server: ProxyServer;
  settings: TestSettings;
  #pools: readonly TestPool[];
  #routes: readonly Partial<RouteSpec>[];
  /** Errors that the proxy logged: each would be a bug. */
  readonly logged: unknown[] = [];
  readonly #table: ServerTableWriter;
  readonly #logFile: string;
  readonly #limits = new Map<string, LimitMemory>();
  #rows = new Map<number, ServerRow>();
  #endpoints: Endpoint[];

  constructor(targets: readonly Target[], options: ProxyOptions = {}) {
    const { settings = {}, pools = DEFAULT_POOLS, routes = [], admin, epochOffsetMs, beside, graceMs } = options;
    this.memory = beside?.memory ?? viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
    this.index = beside === undefined ? 0 : this.memory.header[Header.WORKER_BLOCKS];
    this.#table = new ServerTableWriter(this.memory);
    this.#pools = pools;
    this.#routes = routes;
    this.settings = { ...TEST_SETTINGS, ...settings };
    if (settings.listeners === undefined) this.settings = withListeners(this.settings);
    const directory = mkdtempSync(join(tmpdir(), "neurabalancer-wire-"));
    this.#directory = beside === undefined ? directory : beside.#directory;
    this.#logFile = join(directory, "access.log");
    const fd = openSync(this.#logFile, "a");
    onCleanup(() => {
      // The next proxy's log would get the number of the file, and with it the lines that are still to be written.
      this.server.drain(() => void this.server.closeLogs(DEADLINE_MS).finally(() => closeSync(fd)));
      rmSync(directory, { recursive: true, force: true });
      if (this.logged.length > 0) throw new Error(`the proxy logged errors: ${Bun.inspect(this.logged)}`);
    });
    this.#endpoints = targets.map(endpointOf);
    this.memory.header[Header.WORKER_BLOCKS] = this.index + 1;
    for (let chunk = 0; chunk < EXPLAIN_CHUNKS_GIVEN; chunk++) {
      addChunk(this.memory.explain, 0, (chunk & 1) as ExplainRing, chunk);
    }
    this.#publish(targets);
    const { index } = this;
    const block = this.memory.workers[index];
    const log = silentLogger(this.logged);
    const onError = (error: unknown): void => void this.logged.push(error);
    this.server = new ProxyServer({
      memory: this.memory,
      block,
      rings: this.memory.rings[index],
      history: this.memory.history[index],
      traces: this.memory.traces[index],
      index,
      settings: workerSettings(this.settings, pools, routes),
      endpoints: this.#endpoints,
      log,
      wakes: new WakeSockets({ directory: this.#directory, index, block, log, onError }),
      graceMs,
      now: () => performance.now(),
      epochOffsetMs: epochOffsetMs ?? (() => performance.timeOrigin),
      bootOffsetMs: () => 0,
      random: Math.random,
      seed: crypto.getRandomValues(new Uint32Array(4)),
      admin: admin ?? (async () => ADMIN_ANSWER),
      accessLogFd: fd,
      tcp: this.settings.nativeSockets ? ownSockets() : null,
      openLimit: (limit) => this.limit(limit),
    });
  }

  /** What is counted for a rate limit. */
  limit(limit: WorkerRateLimit): LimitMemory {
    const memory = this.#limits.get(limit.file) ?? limitMemory(limitShape(limit), { k0: 1, k1: 2 });
    this.#limits.set(limit.file, memory);
    return memory;
  }

  /** Of the first listener without TLS; 0 = there is none. */
  get port(): number {
    return this.server.listeners.find(({ tls }) => !tls)?.port ?? 0;
  }

  /** Of the first listener with TLS; 0 = there is none. */
  get tlsPort(): number {
    return this.server.listeners.find(({ tls }) => tls)?.port ?? 0;
  }

  counter(name: keyof typeof WorkerCounter): number {
    return this.memory.workers[this.index].counters[WorkerCounter[name]];
  }

  /** What its worker says of the first pool's queue. */
  queue(name: keyof typeof QueueWord): number {
    return this.memory.workers[this.index].queues[QueueWord[name]];
  }

  /**
   * As the learner publishes limits of servers, by slot, until the test is over. Its settings need `learnsLimits`.
   * @param rows of the pools that are to hold requests; the first one by default.
   */
  learn(limits: readonly number[], patienceMs = 10_000, rows: readonly number[] = [0]): void {
    const tables = rows.map((row) => this.memory.learned[row]);
    for (const { limit, limitId, figures } of tables) {
      for (const [slot, most] of limits.entries()) {
        limit[slot] = most;
        limitId[slot] = this.memory.servers.id[slot];
      }
      figures[LearnerFigure.PATIENCE_MS] = patienceMs;
    }
    const renew = (): void => {
      for (const { figures } of tables) figures[LearnerFigure.LIMITS_MS] = performance.now();
    };
    renew();
    for (const { words } of tables) words[LearnerWord.HOLDING] = 1;
    const timer = setInterval(renew, 100);
    onCleanup(() => clearInterval(timer));
  }

  /** Requests in flight over all slots. */
  get inFlight(): number {
    return this.memory.servers.inFlight.reduce((sum, n) => sum + n, 0);
  }

  connect(): Promise<Wire> {
    return Wire.connect(this.port, this.settings.host);
  }

  /** One request on a connection of its own; the connection is closed after the response. */
  async ask(request: string | Uint8Array, options: { noBody?: boolean } = {}): Promise<WireMessage> {
    const client = await this.connect();
    await client.send(request);
    const answer = await client.message(options);
    client.destroy();
    return answer;
  }

  /** New settings; pools and routes stay as they are unless others are given. */
  change(settings: Partial<TestSettings>, { pools, routes }: Pick<ProxyOptions, "pools" | "routes"> = {}): void {
    const { port, tls, listeners } = settings;
    this.settings = { ...this.settings, port: this.port, listeners: this.server.listeners, ...settings };
    if (listeners === undefined && (port !== undefined || tls !== undefined)) {
      this.settings = withListeners(this.settings);
    }
    this.#pools = pools ?? this.#pools;
    this.#routes = routes ?? this.#routes;
    this.server.setSettings(workerSettings(this.settings, this.#pools, this.#routes));
  }

  /** Makes the fleet these; a target keeps its slot and id by its place in the list. undefined = the slot is free. */
  setTargets(targets: readonly (Target & { id?: number })[], slots?: readonly number[]): void {
    this.#endpoints = targets.map((target, index) => endpointOf(target, slots?.[index] ?? index));
    this.#publish(targets, slots);
    this.server.setEndpoints(this.#endpoints);
  }

  setState(slot: number, state: ServerState, panic = false): void {
    const row = this.#rows.get(slot);
    if (row === undefined) throw new Error(`no row in slot ${slot}`);
    this.#rows.set(slot, { ...row, state });
    this.#table.publish(this.#rows, row.pool, panic);
    this.#publishReadiness();
  }

  /** Access lines so far, after `count` of them have been written. */
  async logLines(count: number): Promise<string[]> {
    let lines: string[] = [];
    await eventually(() => {
      lines = readFileSync(this.#logFile, "utf8").split("\n").slice(0, -1);
      return lines.length >= count;
    });
    return lines;
  }

  #publish(targets: readonly (Target & { id?: number })[], slots?: readonly number[]): void {
    const rows = new Map<number, ServerRow>();
    for (const slot of this.#rows.keys()) rows.set(slot, FREE_ROW);
    for (const [index, target] of targets.entries()) {
      const slot = slots?.[index] ?? index;
      rows.set(slot, {
        id: target.id ?? slot + 1,
        pool: target.pool ?? 0,
        state: ServerState.UP,
        weight: 1,
        effectiveWeight: 1,
        capacity: 10,
        hardLimit: target.hardLimit ?? 0,
      });
    }
    this.#rows = rows;
    this.#table.publish(rows, 0, false);
    this.#publishReadiness();
  }

  /** As the fleet does, for servers that have all passed their checks. */
  #publishReadiness(): void {
    const states = [...this.#rows.values()].filter(({ id }) => id !== 0).map(({ state }) => state);
    const healthy = states.filter((state) => state === ServerState.UP).length;
    publishReadiness(this.memory, { total: states.length, healthy }, healthy > 0);
  }
}

const ADMIN_ANSWER = { status: 200, type: "text/plain", body: Buffer.from("from admin"), retryAfter: null };

function endpointOf(target: Target & { id?: number }, slot: number): Endpoint {
  const { port, host = "127.0.0.1", tls = false, http2 = false } = target;
  const hostname = target.hostname ?? host;
  const urlHost = hostname.includes(":") ? `[${hostname}]` : hostname;
  const scheme = http2 ? (tls ? "h2" : "h2c") : tls ? "https" : "http";
  const url = `${scheme}://${urlHost}:${port}`;
  return { slot, id: target.id ?? slot + 1, pool: target.pool ?? 0, url, hostname, address: host, port, tls, http2 };
}

function silentLogger(errors: unknown[]): Logger {
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (...said: unknown[]) => void errors.push(said),
    child: () => logger,
    once: () => {},
  };
  return logger;
}

// ── cleaning up ──────────────────────────────────────────────────────────────────────────────────────────────────────

const cleanups: (() => void)[] = [];

function onCleanup(action: () => void): void {
  cleanups.push(action);
}

/**
 * Stops everything that was started since the last call: for `afterEach` or `afterAll`. Throws, when all is stopped, what
 * went wrong meanwhile.
 */
export function cleanUp(): void {
  const errors: unknown[] = [];
  for (const action of cleanups.splice(0).reverse()) {
    try {
      action();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
