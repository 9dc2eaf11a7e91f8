/** What the failure drills share: the product as a process, servers that misbehave, and a client with a steady rate. */
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../support/ports/free-port.ts";
import { spawn, spawnSync } from "../support/processes.ts";
import { type ProductOptions, ProductProcess, sumOfSamples } from "../support/product-process.ts";
import { until } from "../support/until.ts";

export { isAlive } from "../support/processes.ts";
export { until };

// ── the product ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ServerView {
  readonly id: number;
  readonly pool: string;
  readonly url: string;
  readonly state: string;
  readonly reason: string;
  readonly requests: number;
  readonly failures: number;
  readonly active_connections: number;
  readonly effective_weight: number;
  readonly weight: number;
}

export interface StatusView {
  readonly pid: number;
  readonly workers: readonly { readonly pid: number; readonly state: string; readonly restarts: number }[];
  readonly degraded: readonly string[];
  readonly reloads: { readonly success: number; readonly failure: number };
}

const BASE: Readonly<Record<string, string>> = {
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
  HEALTH_CHECK_TIMEOUT_SECONDS: "10",
  METRICS_POLL_ENABLED: "false",
  SLOW_START_SECONDS: "0",
  SHUTDOWN_TIMEOUT_SECONDS: "5",
};

/** The product with two workers. */
export class Product extends ProductProcess {
  constructor(settings: Readonly<Record<string, string>>, options: ProductOptions = {}) {
    super({ ...BASE, ...settings }, options);
  }

  /** Waits until it serves and each server has been probed. */
  async ready(): Promise<this> {
    await this.started();
    await until(async () => (await this.servers()).every(({ state }) => state !== "starting"));
    return this;
  }

  async servers(): Promise<readonly ServerView[]> {
    return (await (await this.admin("/api/v1/servers")).json()) as ServerView[];
  }

  async server(port: number): Promise<ServerView> {
    const found = (await this.servers()).find(({ url }) => url.endsWith(`:${port}`));
    if (found === undefined) throw new Error(`no server on port ${port}`);
    return found;
  }

  async status(): Promise<StatusView> {
    return (await (await this.admin("/api/v1/status")).json()) as StatusView;
  }

  /** An operator's change of one server. */
  async change(id: number, change: object): Promise<void> {
    const init = { method: "PATCH", body: JSON.stringify(change), headers: { "content-type": "application/json" } };
    const response = await this.admin(`/api/v1/servers/${id}`, init);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  }

  /** Sum of the samples whose line begins like this. */
  async metric(start: string): Promise<number> {
    const text = await (await this.admin("/metrics")).text();
    return sumOfSamples(text, (line) => line.startsWith(`neurabalancer_${start}`));
  }

  degraded(mode: string): Promise<number> {
    return this.metric(`degraded{mode="${mode}"}`);
  }

  async inFlight(): Promise<number> {
    return (await this.servers()).reduce((sum, server) => sum + Math.abs(server.active_connections), 0);
  }

  /** SIGHUP; resolves when the configuration was taken over or rejected. */
  async reload(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.configure(settings);
    const done = () => this.count("is in force") + this.count("is rejected");
    const before = done();
    this.process.kill("SIGHUP");
    await until(() => done() > before);
  }
}

/** SERVERS for these ports. */
export function serversOn(...servers: readonly { readonly port: number }[]): string {
  return servers.map(({ port }) => `http://127.0.0.1:${port}`).join(",");
}

/** Open descriptors of a process; -1 when it is gone or the system does not tell. */
export function descriptorsOf(pid: number): number {
  const { stdout, exitCode } = spawnSync(["ls", `/proc/${pid}/fd`]);
  return exitCode === 0 ? stdout.toString().trim().split("\n").length : -1;
}

/** CPU time of a process, clock ticks (100 per second): proc_pid_stat(5), fields 14 and 15. */
export function cpuTicksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

// ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Does something to a request that is not a health check. `count` is its number, from 1. */
export type Behaviour = (socket: Socket, path: string, count: number) => void;

/** Answers 200 with its port as body. */
export const answer: Behaviour = (socket) => {
  const body = String(socket.localPort);
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-Instance: ${body}\r\n\r\n${body}`);
};

/** Answers well, `ms` milliseconds late. */
export const taking =
  (ms: number): Behaviour =>
  (socket, path, count) => {
    setTimeout(() => answer(socket, path, count), ms);
  };

/** Answers 500 at once. */
export const fail: Behaviour = (socket) => {
  socket.write("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
};

/** A server that passes its health checks and does to requests what it is told. */
export class Scripted {
  behaviour: Behaviour;
  healthy = true;
  /** Requests that were not health checks. */
  requests = 0;
  port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(behaviour: Behaviour = answer) {
    this.behaviour = behaviour;
  }

  async start(): Promise<this> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    this.port ||= freePort(); // nobody else listens there while this one is stopped
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", () => resolve());
    });
    return this;
  }

  /** Stops listening and drops its connections; the port stays known for `start`. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const [method, path] = data.toString("latin1").split(" ", 2);
      if (!/^(GET|HEAD|PUT|POST)$/.test(method)) return; // more of a body
      if (path === "/health") {
        const status = this.healthy ? "200 OK" : "503 Down";
        socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      this.behaviour(socket, path, ++this.requests);
    });
  }
}

export function startScripted(...behaviours: readonly Behaviour[]): Promise<Scripted[]> {
  return Promise.all(behaviours.map((behaviour) => new Scripted(behaviour).start()));
}

/** A server in a process of its own, that can be stopped and killed. */
export async function startServerProcess(
  port = 0,
): Promise<{ readonly port: number; readonly pid: number; end(): void }> {
  const code = `const s = Bun.serve({ hostname: "127.0.0.1", port: ${port}, reusePort: false, fetch: () => new Response("ok") });
    console.log(s.port);`;
  const child = spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "ignore" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return { port: Number(new TextDecoder().decode(value)), pid: child.pid, end: () => child.kill("SIGKILL") };
}

// ── the client ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Outcome {
  /** 0 = no response began. */
  readonly status: number;
  /** The response was complete, by its own framing. */
  readonly complete: boolean;
  readonly body: string;
  readonly instance: string;
  readonly ms: number;
  /** Error of the socket, if any. */
  readonly error: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  /** The client goes away after this long. */
  readonly abortAfterMs?: number;
  /** Bytes to send instead of a well-formed request. */
  readonly raw?: string;
}

/** One request on a connection of its own. Never rejects, and tries nothing twice. */
export function request(port: number, options: RequestOptions = {}): Promise<Outcome> {
  const { method = "GET", path = "/", body, abortAfterMs, raw } = options;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const startedMs = performance.now();
  let text = "";
  let error = "";
  const socket = connect({ host: "127.0.0.1", port });
  const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  socket.on("connect", () => {
    socket.write(raw ?? `${method} ${path} HTTP/1.1\r\nHost: drill\r\n${length}Connection: close\r\n\r\n${body ?? ""}`);
  });
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  socket.on("error", (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? cause.message;
  });
  const timers = [setTimeout(() => socket.destroy(), 60_000)];
  if (abortAfterMs !== undefined) timers.push(setTimeout(() => socket.resetAndDestroy(), abortAfterMs));
  socket.on("close", () => {
    for (const timer of timers) clearTimeout(timer);
    resolve({ ...read(text), ms: performance.now() - startedMs, error });
  });
  return promise;
}

function read(text: string): Pick<Outcome, "status" | "complete" | "body" | "instance"> {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, complete: false, body: "", instance: "" };
  const head = text.slice(0, end);
  const body = text.slice(end + 4);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  const complete = length === undefined ? body.endsWith("0\r\n\r\n") : body.length === Number(length);
  const instance = /^x-instance: *(\S+)/im.exec(head)?.[1] ?? "";
  return { status: Number(head.slice(9, 12)), complete, body, instance };
}

/** True for a response that a client would be content with: complete, and not the fault of a server or of the proxy. */
export function isGood({ status, complete }: Outcome): boolean {
  return complete && status > 0 && status < 500;
}

export interface Report {
  readonly outcomes: readonly Outcome[];
  readonly sent: number;
  readonly failed: number;
  /** Share of the requests that failed. */
  readonly failedShare: number;
  /** Failures by status or socket error. */
  readonly why: Readonly<Record<string, number>>;
  /** Answers by `X-Instance`. */
  readonly shares: Readonly<Record<string, number>>;
}

/** No test has a load for longer. */
const LONGEST_LOAD_MS = 400_000;
/** For so many seconds a load goes on without any answer. */
const LONGEST_SILENCE_SECONDS = 3;

/**
 * Sends `perSecond` requests, whether answers come or not, until `stop`. Where a machine cannot serve so many, it sends what
 * is served: servers and questions to the product wait behind the requests of this process, and would ever longer.
 */
export class Load {
  readonly #sending: Promise<Outcome>[] = [];
  readonly #timer: Timer;
  readonly #startedMs = performance.now();
  readonly #perSecond: number;
  readonly #send: (index: number) => Promise<Outcome>;
  #ended = 0;

  constructor(perSecond: number, send: (index: number) => Promise<Outcome>) {
    this.#perSecond = perSecond;
    this.#send = send;
    this.#timer = setInterval(() => this.#tick(), 5);
  }

  get sent(): number {
    return this.#sending.length;
  }

  /** Resolves when everything that was sent before the call has ended. */
  async caughtUp(): Promise<void> {
    await Promise.all([...this.#sending]);
  }

  async stop(): Promise<Report> {
    clearInterval(this.#timer);
    return report(await Promise.all(this.#sending));
  }

  async #begin(index: number): Promise<Outcome> {
    const outcome = await this.#send(index);
    this.#ended++;
    return outcome;
  }

  #tick(): void {
    // The test that began it has failed, and will not stop it.
    if (performance.now() - this.#startedMs > LONGEST_LOAD_MS) clearInterval(this.#timer);
    // A test process that was held up does not catch up with a burst.
    const due = Math.min(
      ((performance.now() - this.#startedMs) * this.#perSecond) / 1000,
      this.#sending.length + 10,
      this.#ended + LONGEST_SILENCE_SECONDS * this.#perSecond,
    );
    while (this.#sending.length < due) this.#sending.push(this.#begin(this.#sending.length));
  }
}

/** A load for so long. */
export async function load(perSecond: number, ms: number, send: (index: number) => Promise<Outcome>): Promise<Report> {
  const running = new Load(perSecond, send);
  await Bun.sleep(ms);
  return running.stop();
}

/** A load for at least so long, and until `condition` holds, which is told how many were sent. */
export async function loadUntil(
  condition: (sent: number) => unknown,
  perSecond: number,
  ms: number,
  send: (index: number) => Promise<Outcome>,
): Promise<Report> {
  const running = new Load(perSecond, send);
  await Bun.sleep(ms);
  await until(() => condition(running.sent));
  return running.stop();
}

export function report(outcomes: readonly Outcome[]): Report {
  const why: Record<string, number> = {};
  const shares: Record<string, number> = {};
  let failed = 0;
  for (const outcome of outcomes) {
    if (outcome.instance !== "") shares[outcome.instance] = (shares[outcome.instance] ?? 0) + 1;
    if (isGood(outcome)) continue;
    failed++;
    const reason = outcome.status >= 500 ? String(outcome.status) : outcome.error || `cut off ${outcome.status}`;
    why[reason] = (why[reason] ?? 0) + 1;
  }
  return { outcomes, sent: outcomes.length, failed, failedShare: failed / Math.max(1, outcomes.length), why, shares };
}

/** The figures of a drill on one line, for whoever watches: `DRILL_FIGURES=1 npm test drill`. */
export function figures(name: string, { sent, failed, why }: Report, more: object = {}): void {
  if (process.env.DRILL_FIGURES === undefined) return;
  console.error(`drill ${name}: ${JSON.stringify({ sent, failed, why, ...more })}`);
}
