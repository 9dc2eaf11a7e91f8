/** Instances that find each other in a real Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { loadConfig } from "../../../../src/config/load.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import { Cluster } from "../../../../src/control/cluster/cluster.ts";
import { clusterOptions } from "../../../../src/control/supervisor/instance/cluster-options.ts";
import { openRedisOf } from "../../../../src/control/supervisor/instance/redis.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { until } from "../../../support/until.ts";

let redis: RedisServer;
let db = 0;
let ids = 0;
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
beforeEach(() => {
  db++;
});
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});
afterAll(async () => {
  await redis?.remove();
});

/** One that has begun. */
function instance(env: Readonly<Record<string, string>> = {}) {
  const loaded = loadConfig([
    environmentSource({ SERVERS: "http://127.0.0.1:1", REDIS_ADDR: redis.addr, REDIS_DB: `${db}`, ...env }),
  ]);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const lines: string[] = [];
  const say = (_: object, text: string) => lines.push(text);
  const link = openRedisOf(loaded.config)!;
  const clock = { nowMs: () => performance.now(), wallMs: () => Date.now() };
  const id = (ids++).toString(16).padStart(16, "0");
  const log = { info: say, warn: say, error: say };
  const cluster = new Cluster(clusterOptions(loaded.config, link, id, clock, clock.nowMs, log));
  const told: string[] = [];
  cluster.ride({ heard: () => told.push("heard"), lost: () => told.push("lost") });
  cluster.start();
  ends.push(async () => {
    await cluster.stop();
    link.close();
  });
  return { cluster, lines, told };
}

async function client(): Promise<RedisClient> {
  const one = new RedisClient(`redis://${redis.addr}/${db}`);
  await one.connect();
  ends.push(async () => one.close());
  return one;
}

describe.skipIf(!hasRedis)("instances on one Redis", () => {
  test("know of each other, and of who goes at once", async () => {
    const [a, b, c] = [instance({ INSTANCE_NAME: "ann" }), instance(), instance()];
    await until(() => [a, b, c].every(({ cluster }) => cluster.instances === 3));
    // Who is who is said once a second.
    const seen = await until(() => b.cluster.members.find(({ id }) => id === a.cluster.id));
    expect(seen.description.name).toBe("ann");
    await until(() => b.cluster.members.some(({ self }) => self));
    expect(b.cluster.members.filter(({ self }) => self).map(({ id }) => id)).toEqual([b.cluster.id]);
    await c.cluster.stop();
    await until(() => [a, b].every(({ cluster }) => cluster.instances === 2));
  });

  test("a rider that throws is told of once, and keeps nobody from anything", async () => {
    const { cluster, lines, told } = instance();
    const bug = (): never => {
      throw new Error("a bug");
    };
    cluster.ride({ heard: bug, lost: bug });
    const before = told.length;
    await until(() => told.length > before + 3);
    expect(cluster.away).toBeNull();
    expect(lines).toEqual([expect.stringContaining("this is a bug")]);
  });

  test("those of another CLUSTER_NAME do not count", async () => {
    const all = [instance({ CLUSTER_NAME: "one" }), instance({ CLUSTER_NAME: "one" }), instance()];
    await until(() => all[0].cluster.instances === 2 && all[2].cluster.figures.rounds > 3);
    expect(all[2].cluster.instances).toBe(1);
  });

  test("go on alone while there is none, say so once, and find each other again", async () => {
    const [a, b] = [instance(), instance()];
    await until(() => [a, b].every(({ cluster }) => cluster.instances === 2));
    await redis.kill();
    await until(() => [a, b].every(({ cluster }) => cluster.away !== null));
    expect(a.cluster.members).toEqual([]);
    expect(a.told.filter((word) => word === "lost")).toHaveLength(1);
    await redis.start();
    await until(() => [a, b].every(({ cluster }) => cluster.away === null && cluster.members.length === 2));
    for (const { lines } of [a, b]) {
      expect(lines).toEqual([
        expect.stringContaining("Redis does not answer"),
        expect.stringContaining("Redis answers again"),
      ]);
    }
  });

  test("what is not from an instance is nobody, and is taken away", async () => {
    const one = await client();
    const key = "neurabalancer:1:{default}:shares";
    const now = String(Date.now()).padStart(14, "0");
    await one.send("HSET", [key, "0000000000000001", `${now}rubbish`, "me", `${now}{}`, "00000000000000ff", "x"]);
    const { cluster } = instance();
    await until(async () => (await one.send("HLEN", [key])) === 1);
    expect(cluster.instances).toBe(1);
    expect(cluster.figures.refused).toBeGreaterThan(0);
    // A key of another kind: it is away, and says why.
    await one.send("SET", [key, "rubbish"]);
    await until(() => cluster.away !== null);
    expect(cluster.away).toContain("WRONGTYPE");
    await one.send("DEL", [key]);
    await until(() => cluster.away === null);
  });
});
