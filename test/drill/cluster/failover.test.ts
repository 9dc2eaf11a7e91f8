/** Three instances whose Redis fails over: by Sentinels, and within a Redis Cluster. They follow, and no request notices. */
import { describe, test } from "bun:test";
import { keySlot } from "../../../src/cluster/redis/key-slot.ts";
import { RedisCluster } from "../../support/databases/redis/cluster.ts";
import { MASTER, RedisSentinels, SENTINEL_PASSWORD, SERVER_PASSWORD } from "../../support/databases/redis/sentinels.ts";
import { hasRedis } from "../../support/databases/redis-server.ts";
import { until } from "../fixture.ts";
import { Instances } from "./instances.ts";

/** Three with these settings are together, the master ends, they are alone, and together again before it is back and after. */
async function followed(
  settings: Readonly<Record<string, string>>,
  master: { kill(): Promise<void>; start(): Promise<void> },
): Promise<void> {
  const instances = await Instances.start([settings, settings, settings]);
  try {
    await instances.flow();
    await master.kill();
    // How long each is alone is the business of Redis: each has said it, whether or not it is over by now.
    await until(() => instances.said().every((times) => times > 0));
    await instances.together();
    await instances.flow();
    await master.start();
    await instances.flow();
    await instances.together();
  } finally {
    await instances.end();
  }
}

describe.skipIf(!hasRedis)("a failover", () => {
  test("by Sentinels is followed", async () => {
    const sentinels = await RedisSentinels.start();
    const settings = {
      REDIS_SENTINEL_ADDRS: sentinels.addrs,
      REDIS_SENTINEL_MASTER: MASTER,
      REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
      REDIS_PASSWORD: SERVER_PASSWORD,
    };
    try {
      await followed(settings, sentinels.master);
    } finally {
      await sentinels.remove();
    }
  }, 240_000);

  test("within a Redis Cluster is followed", async () => {
    const cluster = await RedisCluster.start(true);
    const master = cluster.masters[cluster.masterOf(keySlot("{default}"))];
    try {
      await followed({ REDIS_CLUSTER_ADDRS: cluster.addrs }, master);
    } finally {
      await cluster.remove();
    }
  }, 240_000);
});
