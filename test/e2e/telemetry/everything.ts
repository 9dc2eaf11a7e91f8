/** The product with everything on that tells of it, and servers before which everything happens. */
import { readFileSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { createAuthority } from "../../support/certificates.ts";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { freePort } from "../../support/ports/free-port.ts";
import { Scratch } from "../../support/processes.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";
import { type Arrived, type Backend, startBackend } from "./backends.ts";

/** Both servers of the pool `shop` answer it with 500: no retry mends it. */
export const FAILING_PATH = "/always-fails";
/** As many as clients do at once, and the time after which they begin again. */
const CLIENTS = 4;
const PAUSE_MS = 20;

/** A line of the access log. */
export type AccessLine = Readonly<Record<string, unknown>>;

/** One running instance, its servers, and its clients. */
export class Everything {
  readonly scratch = new Scratch();
  readonly #backends: Backend[] = [];
  #product: ProductProcess | undefined;
  #redis: RedisServer | undefined;
  #clients: Promise<unknown> | undefined;
  #isEnding = false;

  readonly #mood: "moody" | "calm";

  private constructor(mood: "moody" | "calm") {
    this.#mood = mood;
  }

  /**
   * @param settings beside those that are always so; where traces go, for example.
   * @param mood whether one of the shop's servers fails in bursts, beside what always fails.
   */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    mood: "moody" | "calm" = "moody",
  ): Promise<Everything> {
    const everything = new Everything(mood);
    try {
      await everything.#start(settings);
      return everything;
    } catch (error) {
      await everything.stop();
      throw error;
    }
  }

  async #start(settings: Readonly<Record<string, string>>): Promise<void> {
    const authority = createAuthority();
    const own = authority.issue("DNS:shop.test");
    const files = { "ca.pem": authority.cert, "shop.pem": own.cert, "shop.key": own.key };
    for (const [name, text] of Object.entries(files)) writeFileSync(this.scratch.file(name), text);
    writeFileSync(this.configPath, stringify(await this.#configuration(authority.issue("IP:127.0.0.1"))));
    writeFileSync(this.accessLogPath, "");
    if (hasRedis) this.#redis = await RedisServer.start();
    this.#product = new ProductProcess({
      CONFIG_FILE: this.configPath,
      APP_HOST: "127.0.0.1",
      ADMIN_PORT: "auto",
      WORKERS: "2",
      HISTORY: "on",
      LEARNING_SAMPLES: "on",
      HEALTH_CHECK_INTERVAL_SECONDS: "0.5",
      HEALTH_CHECK_TIMEOUT_SECONDS: "0.5",
      SLOW_START_SECONDS: "0",
      SHUTDOWN_TIMEOUT_SECONDS: "5",
      RATE_LIMITS: "all rate=1000000/s; tried rate=1/h key=client_ip mode=dry_run",
      ACCESS_LOG_FILE: this.accessLogPath,
      REDIS_ADDR: this.#redis?.addr ?? "",
      ...settings,
    });
    await this.#product.started();
  }

  async #configuration(certificate: { cert: string; key: string }): Promise<object> {
    let turn = 0;
    const isBad = () => this.#mood === "moody" && turn++ % 200 < 60;
    const failing = (path: string) => (path === FAILING_PATH ? 500 : null);
    const quick = this.#backend({ fails: failing });
    // Fails for so long that it is ejected, and comes back.
    const moody = this.#backend({ latencyMs: 8, fails: (path) => (isBad() ? 500 : failing(path)) });
    const single = this.#backend({ latencyMs: 30 });
    const secure = this.#backend({ tls: certificate });
    const [copies, spare] = [this.#backend({}), this.#backend({})];
    return {
      listeners: [{ port: 0 }, { port: 0, tls: true }],
      tls: { cert_files: [this.scratch.file("shop.pem")], key_files: [this.scratch.file("shop.key")] },
      balancing: { strategy: "ml" },
      outlier: { base_ejection: "2s", max_ejection: "2s", consecutive_failures: 5 },
      pools: {
        shop: { servers: [quick, moody], retry: { attempts: 1, on_status: "5xx" } },
        limited: { servers: [{ url: single, capacity: 1 }], queue: { size: 1, timeout: "40ms" } },
        secure: { servers: [secure], upstream: { ca_file: this.scratch.file("ca.pem") } },
        gone: { servers: [`http://127.0.0.1:${freePort()}`] },
        copies: { servers: [copies, spare], balancing: { strategy: "round_robin" } },
      },
      routes: [
        { name: "limited", path: "/limited", pool: "limited" },
        { name: "secure", path: "/secure", pool: "secure" },
        { name: "gone", path: "/gone", pool: "gone" },
        { name: "moved", path: "/moved", redirect: { host: "shop.test" } },
        { name: "shop", path: "/", pool: "shop", compression: {}, mirror: { pool: "copies", percent: 50 } },
      ],
    };
  }

  #backend(options: Parameters<typeof startBackend>[0]): string {
    const backend = startBackend(options);
    this.#backends.push(backend);
    return backend.url;
  }

  get product(): ProductProcess {
    if (this.#product === undefined) throw new Error("it is not started");
    return this.#product;
  }

  get configPath(): string {
    return this.scratch.file("all.yaml");
  }

  get accessLogPath(): string {
    return this.scratch.file("access.jsonl");
  }

  /** What came to the servers, but for checks and polls. */
  get arrived(): readonly Arrived[] {
    return this.#backends.flatMap(({ arrived }) => arrived);
  }

  /** `host:port` of the listener without TLS. */
  get address(): string {
    return `127.0.0.1:${this.product.port}`;
  }

  /** One request to its end. @returns its status; 0 when there was none. */
  async request(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    try {
      const response = await fetch(`http://${this.address}${path}`, { headers, redirect: "manual" });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return 0;
    }
  }

  /** Clients that ask for everything, until it is stopped. */
  startClients(): void {
    const paths = ["/cart", "/secure", FAILING_PATH, "/limited", "/cart", "/gone", "/moved", "/limited", "/cart"];
    const client = async (first: number) => {
      for (let at = first; !this.#isEnding; at++) {
        await this.request(paths[at % paths.length]);
        await Bun.sleep(PAUSE_MS);
      }
    };
    // Beside each other they ask for the one place of `limited`, so that some wait.
    const crowd = async () => {
      while (!this.#isEnding) {
        await Promise.all(Array.from({ length: 6 }, () => this.request("/limited")));
        await Bun.sleep(10 * PAUSE_MS);
      }
    };
    this.#clients = Promise.all([...Array.from({ length: CLIENTS }, (_, at) => client(2 * at)), crowd()]);
  }

  /** SIGHUP with its configuration as it is, or with one that is wrong. */
  async reload(isRight: boolean): Promise<void> {
    const right = readFileSync(this.configPath, "utf8");
    if (!isRight) writeFileSync(this.configPath, "pools: nothing\n");
    const done = () => this.product.count("is in force") + this.product.count("is rejected");
    const before = done();
    this.product.process.kill("SIGHUP");
    await until(() => done() > before);
    writeFileSync(this.configPath, right);
  }

  /** The access log so far. */
  accessLines(): AccessLine[] {
    const text = readFileSync(this.accessLogPath, "utf8");
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Ends clients, instance and servers; leaves nothing. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#clients;
    await this.#product?.end();
    await this.#redis?.remove();
    for (const backend of this.#backends) backend.stop();
    this.scratch.remove();
  }
}
