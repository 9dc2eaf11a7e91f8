/**
 * The emulated servers' process: copies of one fleet, each server with an address of its own, speaking HTTP/1.1 on raw
 * sockets. It has timers and queues and does no work, so one process can be many servers.
 */
import type { Socket, TCPSocketListener } from "bun";
import { Latencies } from "../load/latencies.ts";
import { RequestReader } from "../load/request-reader.ts";
import { EmulatedFleet } from "./emulated-fleet.ts";
import type { Address, FleetRecord, FromServers, ToServers } from "./messages.ts";
import { createSchedule, type RunSpec, scenarioOf } from "./plan.ts";
import { parseWorkPath, type Work } from "./work-path.ts";

/** As fine as timers are. */
const TICK_MS = 1;
const LATE_SAMPLES = 1 << 21;
const HEALTHY = response("200 OK", "ok");
const NOT_FOUND = response("404 Not Found", "");

/** One connection. */
interface Connection {
  readonly fleet: Fleet;
  readonly server: number;
  readonly reader: RequestReader;
  open: boolean;
}

/** Clock of the run, milliseconds; below 0 before it begins. */
let startMs = Number.POSITIVE_INFINITY;
const clock = (): number => performance.now() - startMs;
let late = new Latencies(0);
let fleets: Fleet[] = [];
let ticker: Timer | null = null;

/** One copy of the fleet with its sockets. */
class Fleet {
  readonly #servers: EmulatedFleet<Socket<Connection>>;
  readonly #host: (server: number) => string;
  readonly #listeners: TCPSocketListener<Connection>[] = [];
  readonly #sockets: Set<Socket<Connection>>[] = [];
  readonly #answered = new Set<number>();

  constructor(spec: RunSpec, index: number) {
    const { servers } = scenarioOf(spec);
    // Each server has an address of its own on the loopback interface. Nothing else uses it, so that a server that was
    // down finds its port free when it comes back.
    this.#host = (server) => `127.${1 + index}.0.${1 + server}`;
    this.#servers = new EmulatedFleet(servers, createSchedule(spec), {
      answer: (socket, work, served, lateMs) => this.#answer(socket, work, served, lateMs),
      crash: (server) => this.#crash(server),
      restart: (server) => {
        this.#listeners[server] = this.#listen(server, this.#listeners[server].port);
      },
    });
    for (const server of servers.keys()) {
      this.#sockets.push(new Set());
      this.#listeners.push(this.#listen(server, 0));
    }
  }

  get addresses(): Address[] {
    return this.#listeners.map(({ port }, server) => ({ host: this.#host(server), port }));
  }

  get record(): FleetRecord {
    return { ...this.#servers.counts, answered: this.#answered.size };
  }

  advance(nowMs: number): void {
    this.#servers.advance(nowMs);
  }

  stop(): void {
    for (const server of this.#listeners.keys()) this.#crash(server);
  }

  #listen(server: number, port: number): TCPSocketListener<Connection> {
    return Bun.listen<Connection>({
      hostname: this.#host(server),
      port,
      socket: {
        open: (socket) => {
          socket.data = { fleet: this, server, reader: new RequestReader(), open: true };
          this.#sockets[server].add(socket);
        },
        data: (socket, bytes) => {
          const request = socket.data.reader.push(bytes);
          if (request === null) return;
          const work = parseWorkPath(request.path);
          if (work !== null) this.#servers.request(server, work, socket, clock());
          else send(socket, request.path === "/health" ? HEALTHY : NOT_FOUND);
        },
        close: (socket) => {
          socket.data.open = false;
          this.#sockets[server].delete(socket);
        },
      },
    });
  }

  #answer(socket: Socket<Connection>, work: Work, served: boolean, lateMs: number): void {
    late.add(lateMs);
    if (!socket.data.open) return; // whoever asked has gone; the work was done all the same
    send(socket, response(served ? "200 OK" : "503 Service Unavailable", String(work.id)));
    if (served) this.#answered.add(work.id);
  }

  #crash(server: number): void {
    this.#listeners[server].stop(true);
    for (const socket of this.#sockets[server]) {
      socket.data.open = false;
      socket.terminate();
    }
    this.#sockets[server].clear();
  }
}

function response(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function send(socket: Socket<Connection>, text: string): void {
  const taken = socket.write(text);
  if (taken >= 0 && taken < text.length) throw new Error("a proxy does not read its answers");
}

function obey(message: ToServers): FromServers {
  switch (message.type) {
    case "listen":
      late = new Latencies(LATE_SAMPLES);
      fleets = Array.from({ length: message.fleets }, (_, index) => new Fleet(message.spec, index));
      return { type: "listening", addresses: fleets.map(({ addresses }) => addresses) };
    case "begin":
      startMs = performance.now() + message.startsAtMs - Date.now();
      ticker = setInterval(() => {
        const nowMs = clock();
        for (const fleet of fleets) fleet.advance(nowMs);
      }, TICK_MS);
      return { type: "begun" };
    case "end": {
      if (ticker !== null) clearInterval(ticker);
      const records = fleets.map(({ record }) => record);
      for (const fleet of fleets) fleet.stop();
      fleets = [];
      return { type: "ended", fleets: records, lateP99Ms: late.quantiles(0.99)[0] };
    }
  }
}

process.on("message", (message: ToServers) => void process.send?.(obey(message)));
process.on("disconnect", () => process.exit(0));
process.send?.({ type: "ready" } satisfies FromServers);
