/** One group of proxies with equal settings, the servers behind them and the clients in front of them. */
import { join } from "node:path";
import { Child, stopProcess } from "../common/children.ts";
import { freePort } from "../common/programs.ts";
import type { FromBackend, FromGenerator, Load, RunResult, Target, ToGenerator } from "../load/messages.ts";
import { H2load } from "./h2load.ts";
import { Http2Servers } from "./http2-servers.ts";
import type { Peer, ServersProtocol } from "./peers/peer.ts";
import { RunningProxy } from "./proxies.ts";

const SERVERS = 3;
const ANSWER_MS = 10_000;
/** Longest single measurement; the generator gives up by itself when answers stop. */
const RUN_MS = 300_000;

/** Which cores whom: the proxy has one for itself and the others are everybody else's, all share one, or the kernel decides. */
export type Pin = "own" | "one" | "none";

export interface GroupOptions {
  readonly directory: string;
  readonly certFile: string;
  /** Empty = no TLS. */
  readonly keyFile: string;
  readonly workers: number;
  readonly servers: ServersProtocol;
  /** One group has each peer with the log on, with it off, or both. */
  readonly accessLogs: readonly boolean[];
  readonly peers: readonly Peer[];
  readonly pin: Pin;
  readonly cores: number;
  readonly now: () => number;
}

/** What one measurement found. */
export interface Sample extends RunResult {
  readonly cpuUsPerRequest: number;
  /** The part of learner, recorder and tracer; 0 where there are none. */
  readonly asideUsPerRequest: number;
}

export class Harness {
  readonly proxies: readonly RunningProxy[];
  readonly #generator: Child<ToGenerator, FromGenerator>;
  readonly #backend: Child<object, FromBackend>;
  /** Instead of these, where requests are to arrive in HTTP/2. */
  readonly #http2Servers: Http2Servers | null;
  readonly #observers: readonly Child<object, FromBackend>[];
  readonly #h2load: H2load;
  /** What was opened last, of HTTP/2: connections are opened by each run. */
  #http2: { readonly target: Target; readonly load: Load } | null = null;

  private constructor(
    proxies: readonly RunningProxy[],
    generator: Child<ToGenerator, FromGenerator>,
    backend: Child<object, FromBackend>,
    http2Servers: Http2Servers | null,
    observers: readonly Child<object, FromBackend>[],
    h2load: H2load,
  ) {
    this.proxies = proxies;
    this.#generator = generator;
    this.#backend = backend;
    this.#http2Servers = http2Servers;
    this.#observers = observers;
    this.#h2load = h2load;
  }

  static async start(options: GroupOptions): Promise<Harness> {
    const { directory, certFile, keyFile, workers, servers, accessLogs, peers, pin, cores, now } = options;
    const onCores = (list: string): string[] => (pin === "none" ? [] : ["taskset", "-c", list]);
    const last = String(cores - 1);
    const others = onCores(pin === "one" ? last : cores > 2 ? `0-${cores - 2}` : "0");
    const load = join(import.meta.dir, "../load");
    const backend = new Child<object, FromBackend>(join(load, "backend-process.ts"), [String(SERVERS)], others);
    const listening = await backend.next(ANSWER_MS);
    if (listening.type !== "listening") throw new Error("the servers do not listen");
    const http2Servers = servers === "http2" ? await Http2Servers.start(directory, SERVERS, others, now) : null;
    const generator = new Child<ToGenerator, FromGenerator>(join(load, "generator-process.ts"), [], others);
    await generator.next(ANSWER_MS);

    const proxies: RunningProxy[] = [];
    const observers: Child<object, FromBackend>[] = [];
    for (const accessLog of accessLogs) {
      for (const peer of peers) {
        const port = freePort();
        const setup = {
          directory: join(directory, `${peer.name}-${workers}-${accessLog ? "log" : "quiet"}`),
          port,
          tlsPort: keyFile === "" ? 0 : freePort(),
          h2Port: peer.sharesPorts ? port : freePort(),
          certFile,
          keyFile,
          backendPorts: http2Servers?.ports ?? listening.ports,
          servers,
          workers,
          accessLog,
          observerPort: peer.observed ? freePort() : 0,
        };
        if (peer.observed) {
          const ports = [setup.observerPort, setup.port].map(String);
          const observer = new Child<object, FromBackend>(join(load, "observer-process.ts"), ports, others);
          observers.push(observer);
          await observer.next(ANSWER_MS);
        }
        proxies.push(await RunningProxy.start(peer, setup, onCores(last), now));
      }
    }
    return new Harness(proxies, generator, backend, http2Servers, observers, new H2load(directory, others, now));
  }

  /** Connects the clients; every connection has served a request when this returns. */
  async open(proxy: RunningProxy, load: Load, tls: boolean): Promise<void> {
    const target = targetOf(proxy, load, tls);
    this.#http2 = load.streams > 0 ? { target, load } : null;
    if (this.#http2 !== null) return;
    const opened = await this.#ask(proxy, { type: "open", target, load });
    if (opened.type === "opened") proxy.expectLines(opened.requests);
  }

  /** Connects clients as `open` does, also those of HTTP/2: they wait until `close`, and can't be asked to run. */
  async hold(proxy: RunningProxy, load: Load, tls: boolean): Promise<void> {
    const opened = await this.#ask(proxy, { type: "hold", target: targetOf(proxy, load, tls), load });
    if (opened.type === "opened") proxy.expectLines(opened.requests);
  }

  /** Sends requests over what `open` opened and checks that the servers saw each of them once. */
  async run(proxy: RunningProxy, requests: number, seconds: number): Promise<Sample> {
    const before = await this.#served();
    const cpuBefore = proxy.cpuUs();
    const learnerBefore = proxy.asideCpuUs();
    const done = await this.#send(proxy, requests, seconds);
    const cpuAfter = proxy.cpuUs();
    const learnerAfter = proxy.asideCpuUs();
    const served = (await this.#served()) - before;
    if (served !== done.requests) {
      throw new Error(`${proxy.peer.title}: the servers saw ${served} requests, the clients sent ${done.requests}`);
    }
    proxy.expectLines(done.requests);
    return {
      ...done,
      cpuUsPerRequest: (cpuAfter - cpuBefore) / done.requests,
      asideUsPerRequest: (learnerAfter - learnerBefore) / done.requests,
    };
  }

  async #send(proxy: RunningProxy, requests: number, seconds: number): Promise<RunResult> {
    if (this.#http2 !== null) {
      const { target, load } = this.#http2;
      return this.#h2load.run(target, load, requests, seconds).catch((cause: Error) => {
        throw new Error(`${proxy.peer.title}: ${cause.message}`, { cause });
      });
    }
    const done = await this.#ask(proxy, { type: "run", requests, seconds });
    if (done.type !== "done") throw new Error(`${proxy.peer.title}: ${done.type} instead of done`);
    return done;
  }

  async close(): Promise<void> {
    if (this.#http2 !== null) return;
    await this.#generator.ask({ type: "close" }, ANSWER_MS);
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    const helpers = [this.#generator, this.#backend, ...this.#observers];
    await Promise.all(helpers.map(({ process }) => stopProcess(process)));
    await this.#http2Servers?.stop();
  }

  async #ask(proxy: RunningProxy, message: ToGenerator): Promise<FromGenerator> {
    const answer = await this.#generator.ask(message, RUN_MS);
    if (answer.type === "failed") throw new Error(`${proxy.peer.title}: ${answer.message}`);
    return answer;
  }

  async #served(): Promise<number> {
    if (this.#http2Servers !== null) return this.#http2Servers.served();
    const counts = await this.#backend.ask({}, ANSWER_MS);
    if (counts.type !== "counts") throw new Error("the servers do not count");
    if (counts.broken > 0) throw new Error(`${counts.broken} request bodies reached the servers changed`);
    return counts.requests.reduce((sum, count) => sum + count, 0);
  }
}

/** Where these clients connect. */
function targetOf({ port, h2Port, tlsPort }: RunningProxy, { streams }: Load, tls: boolean): Target {
  const clear = streams > 0 ? h2Port : port;
  return { port: tls ? tlsPort : clear, tls };
}
