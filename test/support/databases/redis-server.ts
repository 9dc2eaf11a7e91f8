/** A real Redis in a directory of its own, for tests. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RedisPlace } from "../../../src/protocol/redis-place.ts";
import { freePort } from "../ports/free-port.ts";
import { spawn, spawnSync } from "../processes.ts";
import { until } from "../until.ts";

/** Whether there is one on this machine. */
export const hasRedis = spawnSync(["redis-server", "--version"]).success;

/** PEM texts. */
export interface RedisTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** How it is started. */
interface Start {
  /** Words before the command. */
  readonly by?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it is found, if not on the loopback interface. */
  readonly host?: string;
}

/** One server, which may be ended and started again at the same place. */
export class RedisServer {
  readonly directory = mkdtempSync(join(tmpdir(), "nb-redis-"));
  readonly port: number;
  readonly #password: string | null;
  readonly #tls: RedisTls | null;
  readonly #options: readonly string[];
  readonly #start: Start;
  #process: ReturnType<typeof spawn> | null = null;

  private constructor(
    port: number,
    password: string | null,
    tls: RedisTls | null,
    options: readonly string[],
    start: Start,
  ) {
    this.port = port;
    this.#password = password;
    this.#tls = tls;
    this.#options = options;
    this.#start = start;
  }

  /** @param tls it is spoken with over TLS alone. @param options more of its own. */
  static async start(
    password: string | null = null,
    tls: RedisTls | null = null,
    options: readonly string[] = [],
    start: Start = {},
  ): Promise<RedisServer> {
    const server = new RedisServer(freePort(), password, tls, options, start);
    await server.start();
    return server;
  }

  get addr(): string {
    return `${this.#host}:${this.port}`;
  }

  /** How it is spoken with. */
  place(other: Partial<RedisPlace> = {}): RedisPlace {
    const ca = join(this.directory, "ca-cert.pem");
    const tls = this.#tls === null ? null : { caFile: ca, certFile: null, keyFile: null };
    const usual = { kind: "single", addrs: [this.addr], master: null, username: null, sentinelPassword: null } as const;
    return { ...usual, password: this.#password, db: 0, tls, ...other };
  }

  get #host(): string {
    return this.#start.host ?? "127.0.0.1";
  }

  get pid(): number {
    return this.#process!.pid;
  }

  async start(): Promise<void> {
    const secret = this.#password === null ? [] : ["--requirepass", this.#password];
    const port = this.#tls === null ? ["--port", `${this.port}`] : this.#tlsOptions(this.#tls);
    const options = [
      ...port,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--dir",
      this.directory,
      ...secret,
      ...this.#options,
    ];
    const { by = [], env = {} } = this.#start;
    const log = join(this.directory, "log");
    const out = { stdout: Bun.file(log), stderr: "ignore", env: { ...process.env, ...env } } as const;
    const child = spawn([...by, "redis-server", ...options], out);
    this.#process = child;
    await until(() => {
      if (child.exitCode !== null) throw new Error(`Redis did not start: ${readFileSync(log, "utf8")}`);
      return isListening(this.port, this.#host);
    });
  }

  #tlsOptions({ cert, key, ca }: RedisTls): string[] {
    const files = Object.entries({ cert, key, "ca-cert": ca }).flatMap(([name, pem]) => {
      const path = join(this.directory, `${name}.pem`);
      writeFileSync(path, pem);
      return [`--tls-${name}-file`, path];
    });
    return ["--port", "0", "--tls-port", `${this.port}`, "--tls-auth-clients", "no", ...files];
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
    this.#process = null;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether somebody listens there. */
export function isListening(port: number, host = "127.0.0.1"): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, host);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
