/**
 * The clients of one contestant: they send every request when it is due, whatever became of those before, each over a
 * connection of its own for as long as it lasts. What is timed begins when the request was due.
 */
import type { Socket } from "bun";
import type { Address, Choice, ClientFigures, FailureKind } from "./messages.ts";
import { Outcomes } from "./outcomes.ts";
import type { Plan } from "./plan.ts";
import { ResponseReader } from "./response-reader.ts";

/** Connections that are open before the run; more are opened as they are needed. */
const CONNECTIONS = 64;
const IDLE = -1;

/** One connection. */
class Client {
  readonly target: number;
  readonly reader = new ResponseReader();
  socket: Socket<Client> | null = null;
  /** The request that it waits for, or `IDLE`. */
  request = IDLE;

  constructor(target: number) {
    this.target = target;
  }
}

export interface ClientsOptions {
  readonly plan: Plan;
  /** Where to send: the proxy; or several, among which each request goes by `choice`. */
  readonly targets: readonly Address[];
  readonly choice: Choice;
  /** Milliseconds since the run began. */
  readonly clock: () => number;
  /** Chooses among targets that are as good. */
  readonly random: () => number;
  /** After this a request has failed and its connection is given up. */
  readonly timeoutMs: number;
  /** Called once, when every request has its outcome. */
  readonly onDone: () => void;
}

export class Clients {
  readonly #options: ClientsOptions;
  readonly #outcomes: Outcomes;
  readonly #idle: Client[][];
  readonly #inFlight: number[];
  /** In the order in which they were due. */
  readonly #waiting = new Map<number, Client>();
  #closing = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#outcomes = new Outcomes(options.plan.dueMs);
    this.#idle = options.targets.map(() => []);
    this.#inFlight = options.targets.map(() => 0);
  }

  /** Opens the first connections. Rejects when they are refused. */
  async open(): Promise<void> {
    const { targets } = this.#options;
    const each = Math.ceil(CONNECTIONS / targets.length);
    await Promise.all(
      targets.flatMap((_, target) =>
        Array.from({ length: each }, async () => {
          const client = new Client(target);
          await this.#connect(client);
          this.#idle[target].push(client);
        }),
      ),
    );
  }

  /** Sends a request of the plan. */
  send(request: number): void {
    const target = this.#choose();
    const client = this.#idle[target].pop() ?? new Client(target);
    client.request = request;
    this.#inFlight[target]++;
    this.#waiting.set(request, client);
    if (client.socket !== null) this.#write(client);
    else this.#connect(client).catch(() => this.#settle(client, "cut"));
  }

  /** Gives up what has waited too long. */
  sweep(): void {
    const { clock, plan, timeoutMs } = this.#options;
    const nowMs = clock();
    for (const [request, client] of this.#waiting) {
      if (nowMs - plan.dueMs[request] < timeoutMs) return;
      this.#settle(client, "timeout");
    }
  }

  figures(warmUpMs: number): ClientFigures {
    return this.#outcomes.figures(warmUpMs);
  }

  close(): void {
    this.#closing = true;
    for (const clients of this.#idle) for (const { socket } of clients) socket?.terminate();
  }

  #choose(): number {
    const inFlight = this.#inFlight;
    if (inFlight.length === 1) return 0;
    if (this.#options.choice === "any") return Math.floor(this.#options.random() * inFlight.length);
    const least = Math.min(...inFlight);
    const candidates = [...inFlight.keys()].filter((target) => inFlight[target] === least);
    return candidates[Math.floor(this.#options.random() * candidates.length)];
  }

  #write(client: Client): void {
    const path = this.#options.plan.paths[client.request];
    const text = `GET ${path} HTTP/1.1\r\nHost: arena.example.com\r\nAccept: */*\r\n\r\n`;
    if (client.socket!.write(text) !== text.length) this.#settle(client, "cut");
  }

  /** The request of this client has its outcome. A connection that failed is of no use any more. */
  #settle(client: Client, failure: FailureKind | null, reusable = false): void {
    const { request, target, socket } = client;
    if (request === IDLE) return;
    client.request = IDLE;
    this.#inFlight[target]--;
    this.#waiting.delete(request);
    this.#outcomes.record(request, failure, this.#options.clock());
    if (reusable) this.#idle[target].push(client);
    else {
      client.socket = null;
      socket?.terminate();
    }
    if (this.#outcomes.left === 0) this.#options.onDone();
  }

  #onData(client: Client, bytes: Buffer): void {
    if (client.request === IDLE) {
      this.#drop(client);
      return;
    }
    try {
      const response = client.reader.push(bytes);
      if (response === null) return;
      const { status, body, keepsAlive } = response;
      const right = status === 200 && body === String(client.request);
      this.#settle(client, right ? null : status >= 500 ? "status" : "wrong", keepsAlive);
    } catch {
      this.#settle(client, "wrong");
    }
  }

  #onClose(client: Client): void {
    if (this.#closing) return;
    client.socket = null;
    if (client.request === IDLE) this.#drop(client);
    else this.#settle(client, "cut");
  }

  /** An idle connection that the proxy has closed, or on which something came that nobody asked for. */
  #drop(client: Client): void {
    const idle = this.#idle[client.target];
    const at = idle.indexOf(client);
    if (at >= 0) idle.splice(at, 1);
    client.socket?.terminate();
    client.socket = null;
  }

  async #connect(client: Client): Promise<void> {
    const { host, port } = this.#options.targets[client.target];
    await Bun.connect<Client>({
      hostname: host,
      port,
      data: client,
      socket: {
        open: (socket) => {
          client.socket = socket;
          if (client.request !== IDLE) this.#write(client);
        },
        data: (socket, bytes) => this.#onData(socket.data, bytes),
        close: (socket) => this.#onClose(socket.data),
        error: (socket) => this.#onClose(socket.data),
      },
    });
  }
}
