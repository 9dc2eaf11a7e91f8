/** A Redis Cluster of three masters, each with a replica if wanted, for tests. */
import { RedisClient } from "bun";
import { freePort } from "../../ports/free-port.ts";
import { until } from "../../until.ts";
import { RedisServer } from "../redis-server.ts";

const MASTERS = 3;
const SLOTS = 16_384;

type ClusterServer = RedisServer & { readonly busPort: number };

export class RedisCluster {
  /** The masters in the order of their slots, at the start. */
  readonly masters: readonly ClusterServer[];
  readonly replicas: readonly ClusterServer[];

  private constructor(masters: readonly ClusterServer[], replicas: readonly ClusterServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  /** When it is there, all servers know it whole. */
  static async start(withReplicas = false): Promise<RedisCluster> {
    const servers: ClusterServer[] = [];
    for (let i = 0; i < MASTERS * (withReplicas ? 2 : 1); i++) servers.push(await startServer());
    const cluster = new RedisCluster(servers.slice(0, MASTERS), servers.slice(MASTERS));
    try {
      await cluster.#join();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  get servers(): readonly ClusterServer[] {
    return [...this.masters, ...this.replicas];
  }

  get addrs(): string {
    return this.servers.map(({ addr }) => addr).join(",");
  }

  /** The master of a slot, at the start. */
  masterOf(slot: number): number {
    return Math.min(MASTERS - 1, Math.floor(slot / Math.floor(SLOTS / MASTERS)));
  }

  /** What a server says of a command. */
  async say(server: RedisServer, ...words: string[]): Promise<unknown> {
    const client = new RedisClient(`redis://${server.addr}`);
    try {
      return await client.send(words[0], words.slice(1));
    } finally {
      client.close();
    }
  }

  /** Its first phase: keys that are not at the old master any more are asked for at the new one. */
  async beginToMove(slot: number, to: number): Promise<void> {
    const [from, target] = [this.masters[this.masterOf(slot)], this.masters[to]];
    await this.say(target, "CLUSTER", "SETSLOT", `${slot}`, "IMPORTING", await this.#id(from));
    await this.say(from, "CLUSTER", "SETSLOT", `${slot}`, "MIGRATING", await this.#id(target));
  }

  async endMoving(slot: number, to: number): Promise<void> {
    const id = await this.#id(this.masters[to]);
    for (const server of [this.masters[to], ...this.masters])
      await this.say(server, "CLUSTER", "SETSLOT", `${slot}`, "NODE", id);
  }

  async remove(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.remove()));
  }

  async #id(server: RedisServer): Promise<string> {
    return String(await this.say(server, "CLUSTER", "MYID"));
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.servers;
    const each = Math.floor(SLOTS / MASTERS);
    for (const [i, master] of this.masters.entries()) {
      const last = i === MASTERS - 1 ? SLOTS - 1 : (i + 1) * each - 1;
      await this.say(master, "CLUSTER", "ADDSLOTSRANGE", `${i * each}`, `${last}`);
      await this.say(master, "CLUSTER", "SET-CONFIG-EPOCH", `${i + 1}`);
    }
    for (const { port, busPort } of others)
      await this.say(first, "CLUSTER", "MEET", "127.0.0.1", `${port}`, `${busPort}`);
    const knows = async (server: RedisServer, servers: number) =>
      new RegExp(`cluster_known_nodes:${servers}\\b`).test(String(await this.say(server, "CLUSTER", "INFO")));
    await until(async () =>
      (await Promise.all(this.servers.map((one) => knows(one, this.servers.length)))).every(Boolean),
    );
    for (const [i, replica] of this.replicas.entries()) {
      const id = await this.#id(this.masters[i]);
      await until(() =>
        this.say(replica, "CLUSTER", "REPLICATE", id).then(
          () => true,
          () => false,
        ),
      );
    }
    await until(async () => (await Promise.all(this.servers.map((one) => this.#isWhole(one)))).every(Boolean));
    // One that never had what its master has does not take its place.
    await until(async () => (await Promise.all(this.replicas.map((one) => this.#follows(one)))).every(Boolean));
  }

  async #follows(replica: RedisServer): Promise<boolean> {
    return /master_link_status:up/.test(String(await this.say(replica, "INFO", "replication")));
  }

  async #isWhole(server: RedisServer): Promise<boolean> {
    const isOk = /cluster_state:ok/.test(String(await this.say(server, "CLUSTER", "INFO")));
    const nodes = String(await this.say(server, "CLUSTER", "NODES")).split("\n");
    return isOk && nodes.filter((line) => / (myself,)?slave /.test(line)).length === this.replicas.length;
  }
}

async function startServer(): Promise<ClusterServer> {
  const busPort = freePort();
  const options = ["--cluster-enabled", "yes", "--cluster-port", `${busPort}`, "--cluster-node-timeout", "1500"];
  options.push("--repl-diskless-sync-delay", "0"); // else a replica waits for others for five seconds
  return Object.assign(await RedisServer.start(null, null, options), { busPort });
}
