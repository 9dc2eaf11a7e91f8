/** A master, a replica of it and three Sentinels that watch them, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";
import { freePort } from "../../ports/free-port.ts";
import { spawn } from "../../processes.ts";
import { until } from "../../until.ts";
import { isListening, RedisServer } from "../redis-server.ts";

/** What the Sentinels call the master. */
export const MASTER = "balancers";
/** Their own password, and that of the servers. */
export const SENTINEL_PASSWORD = "sentinel's";
export const SERVER_PASSWORD = "server's";

/** They ask once a second: with less than two, one that was well may be taken for down before it was asked at all. */
const DOWN_AFTER_MS = 2500;

export class RedisSentinels {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly ports: readonly number[];
  readonly #directory = mkdtempSync(join(tmpdir(), "nb-sentinels-"));
  readonly #processes: ReturnType<typeof spawn>[] = [];

  private constructor(master: RedisServer, replica: RedisServer, ports: readonly number[]) {
    this.master = master;
    this.replica = replica;
    this.ports = ports;
  }

  /** When it is there, all Sentinels know of each other and of the replica. */
  static async start(): Promise<RedisSentinels> {
    const auth = ["--masterauth", SERVER_PASSWORD];
    const master = await RedisServer.start(SERVER_PASSWORD, null, auth);
    const of = ["--replicaof", "127.0.0.1", `${master.port}`];
    const replica = await RedisServer.start(SERVER_PASSWORD, null, [...auth, ...of]);
    const sentinels = new RedisSentinels(master, replica, [freePort(), freePort(), freePort()]);
    try {
      await sentinels.#start();
    } catch (error) {
      await sentinels.remove();
      throw error;
    }
    return sentinels;
  }

  get addrs(): string {
    return this.ports.map((port) => `127.0.0.1:${port}`).join(",");
  }

  /** Hangs or wakes one of them. */
  signal(sentinel: number, signal: "SIGSTOP" | "SIGCONT"): void {
    process.kill(this.#processes[sentinel].pid, signal);
  }

  /** Waits until all of them find that `server` is the master, and well. */
  async agree({ port: master }: RedisServer): Promise<void> {
    const agreed = new RegExp(`status=ok,address=127\\.0\\.0\\.1:${master},slaves=1,sentinels=3`);
    for (const port of this.ports) {
      const client = new RedisClient(`redis://:${encodeURIComponent(SENTINEL_PASSWORD)}@127.0.0.1:${port}`);
      try {
        await until(async () => agreed.test(await client.send("INFO", ["sentinel"])));
      } finally {
        client.close();
      }
    }
  }

  async remove(): Promise<void> {
    for (const one of this.#processes) one.kill("SIGKILL");
    await Promise.all(this.#processes.map(({ exited }) => exited));
    await Promise.all([this.master.remove(), this.replica.remove()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    for (const port of this.ports) {
      const file = join(this.#directory, `${port}.conf`);
      writeFileSync(file, this.#configuration(port));
      const command = ["redis-server", file, "--sentinel"];
      this.#processes.push(spawn(command, { stdout: "ignore", stderr: "ignore" }));
      await until(() => isListening(port));
    }
    await this.agree(this.master);
  }

  #configuration(port: number): string {
    return `port ${port}
bind 127.0.0.1
dir ${this.#directory}
requirepass "${SENTINEL_PASSWORD}"
sentinel sentinel-pass "${SENTINEL_PASSWORD}"
sentinel monitor ${MASTER} 127.0.0.1 ${this.master.port} 2
sentinel auth-pass ${MASTER} "${SERVER_PASSWORD}"
sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}
sentinel failover-timeout ${MASTER} 5000
`;
  }
}
