/**
 * The clients: raw sockets that send the same bytes again and again and check all that comes back. Closed loop by default
 * (each connection asks again as soon as it has its response), or at a fixed rate.
 */
import type { Socket } from "bun";
import { Latencies } from "./latencies.ts";
import type { Load, RunResult, Target } from "./messages.ts";
import { PATHS, requestBytes } from "./requests.ts";
import { ResponseChecker } from "./response-checker.ts";

/** Connects under way at a time: fewer than the shortest accept queue of a peer (511). */
const CONNECTS_AT_ONCE = 128;
/** A load without any response for this long has failed. */
const STALL_MS = 10_000;
const PACE_MS = 1;
const MAX_SAMPLES = 1 << 20;

/** One client connection; it serves one request at a time. */
class Client {
  readonly checker: ResponseChecker;
  socket: Socket<Client> | null = null;
  sinceMs = 0;
  sent = 0;
  busy = false;

  constructor(checker: ResponseChecker) {
    this.checker = checker;
  }
}

export class Generator {
  readonly #target: Target;
  readonly #load: Load;
  readonly #bytes: Buffer;
  readonly #now: () => number;
  readonly #clients: Client[] = [];
  #idle: Client[] = [];
  #latencies = new Latencies(0);
  /** When requests that found no idle connection were due. */
  #overdue: number[] = [];
  #toStart = 0;
  #toFinish = 0;
  /** Not begun when the time was over. */
  #skipped = 0;
  #stopAtMs = Number.POSITIVE_INFINITY;
  /** Requests are due at regular times (the first one on each connection is not). */
  #paced = false;
  #lastResponseMs = 0;
  #settle: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #closing = false;

  constructor(target: Target, load: Load, now: () => number) {
    this.#target = target;
    this.#load = load;
    this.#bytes = requestBytes(load.request);
    this.#now = now;
  }

  /** Opens the connections and uses each once. @returns the number of requests that this took. */
  async open(): Promise<number> {
    const { connections, connectionPerRequest, request } = this.#load;
    for (let i = 0; i < connections; i++) this.#clients.push(new Client(new ResponseChecker(PATHS[request.path])));
    if (connectionPerRequest) return 0;
    for (let at = 0; at < connections; at += CONNECTS_AT_ONCE) {
      const batch = this.#clients.slice(at, at + CONNECTS_AT_ONCE);
      await Promise.all(batch.map((client) => this.#connect(client)));
      await this.#drive(batch, batch.length, Number.POSITIVE_INFINITY, 0);
    }
    return connections;
  }

  /** Sends this many requests, or fewer when `seconds` end before. Rejects when any response is wrong. */
  async run(requests: number, seconds: number): Promise<RunResult> {
    this.#latencies = new Latencies(Math.min(requests, MAX_SAMPLES));
    const startedMs = this.#now();
    const done = await this.#drive(this.#clients, requests, startedMs + seconds * 1000, this.#load.ratePerSecond);
    const [p50Ms, p99Ms] = this.#latencies.quantiles(0.5, 0.99);
    return { requests: done, seconds: (this.#now() - startedMs) / 1000, p50Ms, p99Ms };
  }

  close(): void {
    this.#closing = true;
    for (const { socket } of this.#clients) socket?.end();
    this.#clients.length = 0;
  }

  async #drive(clients: readonly Client[], requests: number, stopAtMs: number, ratePerSecond: number): Promise<number> {
    const settled = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#toStart = requests;
    this.#toFinish = requests;
    this.#stopAtMs = stopAtMs;
    this.#paced = ratePerSecond > 0;
    this.#skipped = 0;
    this.#overdue = [];
    this.#idle = [];
    this.#lastResponseMs = this.#now();
    const watchdog = setInterval(() => {
      if (this.#now() - this.#lastResponseMs > STALL_MS) this.#fail(new Error(`no answer for ${STALL_MS} ms`));
    }, 1000);
    const pacer = this.#paced ? this.#pace(requests, ratePerSecond) : null;
    if (pacer === null) for (const client of clients) this.#next(client);
    try {
      await settled;
      return requests - this.#skipped;
    } finally {
      this.#settle = null;
      clearInterval(watchdog);
      if (pacer !== null) clearInterval(pacer);
    }
  }

  #pace(requests: number, ratePerSecond: number): Timer {
    this.#idle = [...this.#clients];
    const startedMs = this.#now();
    let due = 0;
    return setInterval(() => {
      const until = Math.min(requests, Math.floor(((this.#now() - startedMs) / 1000) * ratePerSecond));
      for (; due < until; due++) {
        const dueMs = startedMs + (due / ratePerSecond) * 1000;
        const client = this.#idle.pop();
        this.#toStart--;
        if (client === undefined) this.#overdue.push(dueMs);
        else this.#ask(client, dueMs);
      }
    }, PACE_MS);
  }

  /** The client has nothing to do: gives it the next request, if there is one. */
  #next(client: Client): void {
    if (this.#paced) {
      const dueMs = this.#overdue.shift();
      if (dueMs === undefined) this.#idle.push(client);
      else this.#ask(client, dueMs);
      return;
    }
    if (this.#toStart <= 0) return;
    const nowMs = this.#now();
    if (nowMs >= this.#stopAtMs) {
      // What was not begun is not done; what is under way still finishes.
      this.#toFinish -= this.#toStart;
      this.#skipped = this.#toStart;
      this.#toStart = 0;
      if (this.#toFinish <= 0) this.#settle?.resolve();
      return;
    }
    this.#toStart--;
    if (this.#load.connectionPerRequest) {
      client.sinceMs = nowMs;
      this.#connect(client).then(
        () => {},
        (error: Error) => this.#fail(error),
      );
    } else this.#ask(client, nowMs);
  }

  #ask(client: Client, sinceMs: number): void {
    client.sinceMs = sinceMs;
    client.busy = true;
    client.sent = 0;
    client.checker.reset();
    this.#send(client);
  }

  #send(client: Client): void {
    const { socket } = client;
    const left = this.#bytes.length - client.sent;
    if (socket === null || left === 0) return;
    const taken = socket.write(this.#bytes, client.sent, left);
    if (taken < 0) this.#fail(new Error("the proxy closed a connection while a request was sent"));
    else client.sent += taken;
  }

  #onData(client: Client, data: Buffer): void {
    try {
      if (!client.busy) throw new Error("bytes that nobody asked for");
      if (client.checker.push(data)) this.#answered(client);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #answered(client: Client): void {
    const nowMs = this.#now();
    client.busy = false;
    this.#lastResponseMs = nowMs;
    this.#latencies.add(nowMs - client.sinceMs);
    // With a connection per request, the proxy's close belongs to its work and is waited for.
    if (!this.#load.connectionPerRequest) this.#done(client);
    else if (!client.checker.closing) this.#fail(new Error("no Connection: close in the answer"));
  }

  #done(client: Client): void {
    this.#toFinish--;
    if (this.#toFinish <= 0) this.#settle?.resolve();
    else this.#next(client);
  }

  #onClose(client: Client): void {
    client.socket = null;
    if (this.#closing) return;
    if (!this.#load.connectionPerRequest || client.busy) this.#fail(new Error("the proxy closed a connection"));
    else this.#done(client);
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
  }

  /** Resolves when the connection can be used. With a connection per request it asks at once. */
  async #connect(client: Client): Promise<void> {
    const { port, tls } = this.#target;
    await new Promise<void>((resolve, reject) => {
      const ready = (socket: Socket<Client>): void => {
        client.socket = socket;
        if (this.#load.connectionPerRequest) this.#ask(client, client.sinceMs);
        resolve();
      };
      Bun.connect<Client>({
        hostname: "127.0.0.1",
        port,
        data: client,
        // The benchmark makes its certificate itself; what is measured is the proxy's part of the handshake.
        tls: tls ? { rejectUnauthorized: false } : false,
        socket: {
          open: (socket) => {
            if (!tls) ready(socket);
          },
          handshake: (socket) => ready(socket),
          data: (socket, data) => this.#onData(socket.data, data),
          drain: (socket) => {
            if (socket.data.busy) this.#send(socket.data);
          },
          close: (socket) => this.#onClose(socket.data),
          connectError: (_socket, error) => reject(error),
          error: (_socket, error) => this.#fail(error),
        },
      }).catch(reject);
    });
  }
}
