/** Who is asked when there are several: a master that Sentinels name, and servers of a Redis Cluster. All of them real. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { keySlot } from "../../../../src/cluster/redis/key-slot.ts";
import { openRedis, type RedisLink } from "../../../../src/cluster/redis/link.ts";
import type { RedisError } from "../../../../src/cluster/redis/redis-error.ts";
import { RedisCluster } from "../../../support/databases/redis/cluster.ts";
import { placeFrom } from "../../../support/databases/redis/place.ts";
import {
  MASTER,
  RedisSentinels,
  SENTINEL_PASSWORD,
  SERVER_PASSWORD,
} from "../../../support/databases/redis/sentinels.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { until } from "../../../support/until.ts";

const COUNT = "return redis.call('INCR', KEYS[1])";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function linkTo(env: Readonly<Record<string, string>>): RedisLink {
  const link = openRedis(placeFrom(env));
  ends.push(() => link.close());
  return link;
}

function errorOf(asked: Promise<unknown>): Promise<RedisError> {
  return asked.then(
    (answer) => {
      throw new Error(`it was answered: ${answer}`);
    },
    (error) => error as RedisError,
  );
}

/** Asks until there is an answer. */
function answered(link: RedisLink, script: string, keys: readonly string[]): Promise<unknown> {
  return until(() => link.eval(script, keys, []).catch(() => null));
}

describe.skipIf(!hasRedis)("Sentinels", () => {
  let sentinels: RedisSentinels;
  const settings = () => ({
    REDIS_SENTINEL_ADDRS: sentinels.addrs,
    REDIS_SENTINEL_MASTER: MASTER,
    REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
    REDIS_PASSWORD: SERVER_PASSWORD,
  });
  beforeAll(async () => {
    sentinels = await RedisSentinels.start();
  }, 120_000);
  afterAll(() => sentinels.remove());

  test("one that hangs and one that is not there hold nobody up", async () => {
    sentinels.signal(0, "SIGSTOP");
    ends.push(() => sentinels.signal(0, "SIGCONT"));
    const [first, second] = sentinels.ports;
    const link = linkTo({ ...settings(), REDIS_SENTINEL_ADDRS: `127.0.0.1:${first},127.0.0.1:1,127.0.0.1:${second}` });
    expect(await link.eval(COUNT, ["hung"], [])).toBe(1);
  });

  test("what they do not know, and a wrong password of theirs, is said", async () => {
    const unknown = await errorOf(linkTo({ ...settings(), REDIS_SENTINEL_MASTER: "another" }).eval(COUNT, ["x"], []));
    expect([unknown.kind, unknown.message]).toEqual(["other", expect.stringContaining("check REDIS_SENTINEL_MASTER")]);
    const wrong = await errorOf(linkTo({ ...settings(), REDIS_SENTINEL_PASSWORD: "x" }).eval(COUNT, ["x"], []));
    expect([wrong.kind, wrong.message]).toEqual(["auth", expect.stringContaining("check REDIS_SENTINEL_PASSWORD")]);
    const gone = await errorOf(linkTo({ ...settings(), REDIS_SENTINEL_ADDRS: "127.0.0.1:1" }).eval(COUNT, ["x"], []));
    expect(gone.kind).toBe("refused");
  });

  test("a replica that a Sentinel takes for the master is not written to", async () => {
    const { port } = sentinels.replica;
    const late = fakeSentinel(port);
    ends.push(() => late.stop());
    const link = linkTo({
      ...settings(),
      REDIS_SENTINEL_ADDRS: `127.0.0.1:${late.port}`,
      REDIS_SENTINEL_PASSWORD: "x",
    });
    const error = await errorOf(link.eval(COUNT, ["x"], []));
    expect([error.kind, error.message]).toEqual([
      "readonly",
      `127.0.0.1:${port} is a replica, although Sentinel says that it is the master`,
    ]);
  });

  test("a failover by Sentinels is followed, and the old master is not written to", async () => {
    const link = linkTo(settings());
    expect(await link.eval(COUNT, ["followed"], [])).toBe(1);
    await sentinels.master.kill();
    expect(await errorOf(link.eval(COUNT, ["followed"], []))).toMatchObject({ kind: "refused" });
    await answered(link, COUNT, ["followed"]);
    await sentinels.agree(sentinels.replica);
    await sentinels.master.start();
    const replica = openRedis(sentinels.master.place());
    ends.push(() => replica.close());
    await until(() =>
      replica.eval(COUNT, ["x"], []).then(
        () => false,
        ({ kind }) => kind === "readonly",
      ),
    );
    expect(Number(await link.eval(COUNT, ["followed"], []))).toBeGreaterThan(1);
  }, 120_000);
});

/** A Sentinel that has not heard of anything: it says that the master is at `port`. */
function fakeSentinel(port: number): { readonly port: number; stop(): void } {
  const address = `*2\r\n$9\r\n127.0.0.1\r\n$${`${port}`.length}\r\n${port}\r\n`;
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        const said = bytes.toString();
        if (said.includes("AUTH")) socket.write("+OK\r\n");
        if (said.includes("PING")) socket.write("+PONG\r\n");
        if (said.includes("get-master-addr-by-name")) socket.write(address);
      },
    },
  });
  return { port: server.port, stop: () => server.stop(true) };
}

describe.skipIf(!hasRedis)("a Redis Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 120_000);
  afterAll(() => cluster.remove());

  test("each key is asked for where its slot is, whichever server is named", async () => {
    const keys = Array.from({ length: 12 }, (_, i) => `{name ${i}}:x`);
    for (const { addr } of cluster.masters) {
      const link = linkTo({ REDIS_CLUSTER_ADDRS: addr });
      for (const key of keys) await link.eval(COUNT, [key, key.replace("x", "y")], []);
    }
    const counts = await Promise.all(
      keys.map((key) => linkTo({ REDIS_CLUSTER_ADDRS: cluster.addrs }).eval(COUNT, [key], [])),
    );
    expect(counts).toEqual(keys.map(() => 4));
  });

  test("a slot that moves is followed: keys that have gone already, and all when it has moved", async () => {
    const key = "{moving}:x";
    const slot = keySlot(key);
    const to = (cluster.masterOf(slot) + 1) % 3;
    const link = linkTo({ REDIS_CLUSTER_ADDRS: cluster.masters[0].addr });
    await cluster.beginToMove(slot, to);
    expect(await link.eval(COUNT, [key], [])).toBe(1); // it is in neither: the new master is asked for this once
    expect(await link.eval(COUNT, [key], [])).toBe(2);
    await cluster.endMoving(slot, to);
    expect(await link.eval(COUNT, [key], [])).toBe(3);
    expect(await link.eval(COUNT, [key], [])).toBe(4);
  });

  test("keys of several slots, a server that is none of a cluster, and one of a cluster that is taken for a single one are told", async () => {
    const link = linkTo({ REDIS_CLUSTER_ADDRS: cluster.addrs });
    const apart = await errorOf(link.eval(COUNT, ["a", "b"], []));
    expect(apart.message).toContain("CROSSSLOT");
    const single = await RedisServer.start();
    ends.push(() => single.remove());
    const none = await errorOf(linkTo({ REDIS_CLUSTER_ADDRS: single.addr }).eval(COUNT, ["a"], []));
    expect(none.message).toContain("REDIS_ADDR is for such");
    const foreign = `{x ${[0, 1, 2, 3, 4, 5, 6, 7].find((i) => cluster.masterOf(keySlot(`x ${i}`)) !== 0)}}`;
    const taken = await errorOf(linkTo({ REDIS_ADDR: cluster.masters[0].addr }).eval(COUNT, [foreign], []));
    expect(taken.message).toContain("REDIS_CLUSTER_ADDRS is for those");
  });

  test("without a master of a slot it is told so, and used again when it is back", async () => {
    const key = "{ends}";
    const master = cluster.masters[cluster.masterOf(keySlot(key))];
    const link = linkTo({ REDIS_CLUSTER_ADDRS: cluster.addrs });
    await link.eval(COUNT, [key], []);
    await master.kill();
    await until(async () => (await errorOf(link.eval(COUNT, [key], []))).kind !== "timeout");
    await master.start();
    expect(Number(await answered(link, COUNT, [key]))).toBeGreaterThan(0);
  }, 120_000);
});
