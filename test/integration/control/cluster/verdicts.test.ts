/** Three running instances with a real Redis, whose health checks find different things at the same servers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ShownCluster } from "../../../../src/control/admin/answers/cluster.ts";
import type { ServerStatus } from "../../../../src/control/fleet/status.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { ProductProcess, sumOfSamples } from "../../../support/product-process.ts";
import { until } from "../../../support/until.ts";
import { neurabalancerBeside } from "../../cli/spawn.ts";

const NAMES = ["ann", "bob", "cat"] as const;
type Name = (typeof NAMES)[number];

/** Whose checks of the first server fail. */
const unreachableFor = new Set<Name>();
const backends = Array.from({ length: 3 }, (_, index) =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      const { pathname } = new URL(url);
      const failing = index === 0 && NAMES.some((name) => pathname === `/health/${name}` && unreachableFor.has(name));
      return new Response(String(index), { status: failing ? 503 : 200 });
    },
  }),
);
let redis: RedisServer;
const products = new Map<Name, ProductProcess>();

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await RedisServer.start();
  for (const name of NAMES) {
    products.set(
      name,
      new ProductProcess({
        SERVERS: backends.map(({ port }) => `http://127.0.0.1:${port}`).join(","),
        APP_HOST: "127.0.0.1",
        APP_PORT: "0",
        ADMIN_PORT: "auto",
        WORKERS: "1",
        HEALTH_CHECK_PATH: `/health/${name}`,
        HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
        INSTANCE_NAME: name,
        REDIS_ADDR: redis.addr,
        CLUSTER_NAME: "shop",
        CLUSTER_SHARE: "health",
        SLOW_START_SECONDS: "0",
      }),
    );
  }
  await Promise.all([...products.values()].map((product) => product.started()));
}, 240_000);
afterAll(async () => {
  await Promise.all([...products.values()].map((product) => product.kill()));
  await redis?.remove();
  await Promise.all(backends.map((backend) => backend.stop(true)));
});

async function json<T>(name: Name, path: string): Promise<T> {
  return (await (await products.get(name)!.admin(path)).json()) as T;
}

async function clusterOf(name: Name): Promise<ShownCluster> {
  return json(name, "/api/v1/cluster");
}

/** The first server, as this instance has it. */
async function firstAt(name: Name): Promise<ServerStatus> {
  const servers = await json<readonly ServerStatus[]>(name, "/api/v1/servers");
  return servers.find(({ port }) => port === backends[0].port)!;
}

async function becomes(name: Name, state: string): Promise<void> {
  await until(async () => (await firstAt(name)).state === state);
}

/** It knows what so many others think of the first server, out of so many instances. */
async function knows(name: Name, instances: number, down: number): Promise<void> {
  await until(async () => {
    const { cluster } = await firstAt(name);
    return cluster !== null && cluster.instances === instances && cluster.down === down;
  });
}

async function servedByFirst(name: Name, requests: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < requests; i++) {
    const response = await fetch(`http://127.0.0.1:${products.get(name)!.port}/`);
    expect(response.status).toBe(200);
    if ((await response.text()) === "0") count++;
  }
  return count;
}

describe.skipIf(!hasRedis)("three instances", () => {
  test("know of each other, and what each makes of its servers", async () => {
    for (const name of NAMES) {
      await knows(name, 3, 0);
      await until(async () => (await clusterOf(name)).instances === 3);
    }
    const { members, ...cluster } = await clusterOf("bob");
    expect(cluster).toMatchObject({ cluster: "shop", redis: { state: "up" }, shares: ["health"], instances: 3 });
    expect(members.map(({ name, self }) => [name, self])).toEqual([
      ["ann", false],
      ["bob", true],
      ["cat", false],
    ]);
    await until(async () => (await clusterOf("bob")).members.every(({ servers, down }) => servers === 3 && down === 0));
    const said = await neurabalancerBeside(["cluster", "--admin", adminOf("cat")]);
    expect(said.stderr).toBe("");
    expect(said.stdout).toContain("Cluster shop: 3 instances");
    expect(said.stdout).toMatch(/cat \(asked\)/);
  }, 60_000);

  test("leave a server in that only one of them cannot reach", async () => {
    unreachableFor.add("ann");
    await becomes("ann", "down");
    for (const name of ["bob", "cat"] as const) {
      await knows(name, 3, 1);
      expect(await firstAt(name)).toMatchObject({ state: "up", cluster: { own: "up", majority: false } });
      await until(async () => (await servedByFirst(name, 4)) > 0);
    }
  }, 60_000);

  test("take out for all what two of them see down, and say why", async () => {
    unreachableFor.add("bob");
    await becomes("cat", "ejected");
    expect(await firstAt("cat")).toMatchObject({
      reason: "out by majority: 2 of 3 instances have it out (2 by health checks)",
      cluster: { own: "up", instances: 3, down: 2, ejected: 0, majority: true },
    });
    expect(await servedByFirst("cat", 12)).toBe(0);
    const product = products.get("cat")!;
    await until(() => product.count("out by majority") > 0);
    const metrics = await (await product.admin("/metrics")).text();
    const sum = (name: string) => sumOfSamples(metrics, (line) => line.startsWith(`neurabalancer_cluster_${name}`));
    expect(sum("majority_ejections_total")).toBeGreaterThan(0);
    expect([sum("majority_servers"), sum("instances")]).toEqual([1, 3]);
    // The two tell what they found themselves; the third does not tell what it was told.
    await until(async () => (await firstAt("ann")).cluster?.down === 2);
    expect((await firstAt("ann")).cluster).toMatchObject({ own: "down", down: 2 });
  }, 60_000);

  test("go by their own views within seconds when Redis is away, and together when it is back", async () => {
    await redis.kill();
    await becomes("cat", "up");
    expect(await firstAt("cat")).toMatchObject({ cluster: null });
    expect((await firstAt("bob")).state).toBe("down");
    await until(async () => (await clusterOf("cat")).redis.state === "away");
    expect((await clusterOf("cat")).members.map(({ name }) => name)).toEqual(["cat"]);
    const said = await neurabalancerBeside(["cluster", "--admin", adminOf("cat")]);
    expect(said.stdout).toContain("goes on alone");
    await redis.start();
    await becomes("cat", "ejected");
  }, 120_000);

  test("bring it back with the views that had it out", async () => {
    unreachableFor.delete("bob");
    for (const name of ["bob", "cat"] as const) await becomes(name, "up");
    expect((await firstAt("ann")).state).toBe("down");
  }, 60_000);

  test("do not believe one that hangs any longer than its numbers are fresh", async () => {
    unreachableFor.add("bob");
    await becomes("cat", "ejected");
    const hung = products.get("bob")!.process;
    hung.kill("SIGSTOP");
    try {
      await becomes("cat", "up");
      await knows("cat", 2, 1);
    } finally {
      hung.kill("SIGCONT");
    }
    await becomes("cat", "ejected");
    unreachableFor.delete("bob");
    await becomes("cat", "up");
  }, 120_000);

  test("that are only two go each by its own view", async () => {
    await products.get("bob")!.end();
    await knows("cat", 2, 1);
    await until(async () => (await clusterOf("cat")).rounds!.ok > 20);
    expect(await firstAt("cat")).toMatchObject({ state: "up", cluster: { majority: false } });
    await until(async () => (await servedByFirst("cat", 4)) > 0);
  }, 60_000);
});

test("an instance without Redis says that it is whole by itself", async () => {
  const product = new ProductProcess({
    SERVERS: `http://127.0.0.1:${backends[1].port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
    HEALTH_CHECK_PATH: "/",
  });
  try {
    await product.started();
    const admin = `http://127.0.0.1:${product.said("admin API listens")?.port}`;
    const said = await neurabalancerBeside(["cluster", "--admin", admin]);
    expect([said.stderr, said.code]).toEqual(["", 0]);
    expect(said.stdout).toContain("no Redis is configured (REDIS_ADDR), so nothing is shared");
    const metrics = await (await product.admin("/metrics")).text();
    expect(metrics.split("\n").filter((line) => line.startsWith("neurabalancer_cluster_"))).toEqual([]);
  } finally {
    await product.end();
  }
}, 120_000);

function adminOf(name: Name): string {
  return `http://127.0.0.1:${products.get(name)!.said("admin API listens")?.port}`;
}
