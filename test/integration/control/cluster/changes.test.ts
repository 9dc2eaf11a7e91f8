/** What an operator changes on one of three instances of the product that share a real Redis. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { until } from "../../../support/until.ts";
import { Product } from "../supervisor/product.ts";

const TIMEOUT_MS = 180_000;
const NAMES = ["one", "two", "three"];

const backends = ["a", "b"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const directory = mkdtempSync(join(tmpdir(), "nb-changes-"));
let redis: RedisServer;
let clusters = 0;
const running = new Set<Product>();

beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
afterEach(async () => {
  await Promise.all([...running].map((product) => product.kill()));
  running.clear();
});
afterAll(async () => {
  await redis?.remove();
  await Promise.all(backends.map((server) => server.stop(true)));
  rmSync(directory, { recursive: true, force: true });
});

/** Of one cluster; one that is started again has what it had. */
function cluster(): (name: string, more?: Readonly<Record<string, string>>) => Promise<Product> {
  const called = `changes-${clusters++}`;
  return async (name, more = {}) => {
    const product = new Product({
      SERVERS: backends.map((backend) => `http://127.0.0.1:${backend.port}`).join(","),
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      WORKERS: "1",
      HISTORY: "off",
      LEARNING_SAMPLES: "off",
      INSTANCE_NAME: name,
      REDIS_ADDR: redis.addr,
      CLUSTER_NAME: called,
      DATA_DIR: join(directory, called, name),
      ...more,
    });
    running.add(product);
    await product.ready();
    return product;
  };
}

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly value: unknown;
  readonly in_force: boolean;
  readonly scope: string;
}

async function list(product: Product): Promise<readonly Shown[]> {
  return ((await (await product.admin("/api/v1/overrides")).json()) as { overrides: Shown[] }).overrides;
}

function patch(product: Product, body: object, query = "", headers: Readonly<Record<string, string>> = {}) {
  return product.admin(`/api/v1/servers/1${query}`, {
    method: "PATCH",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function stateOf(product: Product): Promise<string> {
  const { state } = (await (await product.admin("/api/v1/servers/1")).json()) as { state: string };
  return state;
}

/** The weights of the first server. */
async function weights(products: readonly Product[]): Promise<number[]> {
  return Promise.all(
    products.map(async (product) => {
      return ((await (await product.admin("/api/v1/servers/1")).json()) as { weight: number }).weight;
    }),
  );
}

const isDrained = async (product: Product): Promise<boolean> => (await stateOf(product)) === "draining";
const all = async (products: readonly Product[], holds: (product: Product) => Promise<boolean>): Promise<boolean> =>
  (await Promise.all(products.map(holds))).every(Boolean);

describe.skipIf(!hasRedis)("changes of three instances on one Redis", () => {
  test(
    "one drain reaches all, and is in the audit of each; its end, too; who was away hears of it",
    async () => {
      const start = cluster();
      const products = await Promise.all(NAMES.map((name) => start(name)));
      const [one, two, three] = products;
      expect((await patch(one, { state: "drain", reason: "disk" })).status).toBe(200);
      await until(() => all(products, isDrained));
      expect(await two.names(6)).toEqual({ b: 6 });
      const audit = await Promise.all(
        [two, three].map(async (product) => {
          const { entries } = (await (await product.admin("/api/v1/audit")).json()) as { entries: object[] };
          return entries;
        }),
      );
      for (const entries of audit) {
        expect(entries).toHaveLength(1);
        expect(entries[0]).toMatchObject({ action: "server.drain", reason: "disk", instance: "one", actor: "local" });
      }
      await three.kill();
      running.delete(three);
      expect((await patch(two, { state: "active" })).status).toBe(200);
      await until(async () => !(await isDrained(one)));
      expect(await list(one)).toEqual([]);
      const again = await start("three");
      // Where Redis takes its time it begins with what it kept itself.
      await until(async () => !(await isDrained(again)));
      expect(await list(again)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "what was changed while Redis was away is merged when it is back; a flush loses nothing; who is new takes it over",
    async () => {
      const start = cluster();
      const [one, two] = await Promise.all(["one", "two"].map((name) => start(name)));
      expect((await patch(one, { state: "drain" })).status).toBe(200);
      await until(() => isDrained(two));
      await redis.kill();
      expect((await patch(one, { weight: 7 })).status).toBe(200);
      expect((await patch(two, { state: "active", reason: "mended" })).status).toBe(200);
      expect((await patch(two, { capacity: 50 })).status).toBe(200);
      expect(await isDrained(one)).toBe(true);
      await redis.start(); // with nothing
      await until(async () => !(await isDrained(one)));
      await until(async () => (await weights([one, two])).every((weight) => weight === 7));
      await until(() => all([one, two], async (product) => (await list(product)).length === 2));
      const client = new RedisClient(`redis://${redis.addr}`);
      await client.send("FLUSHALL", []);
      client.close();
      expect((await patch(two, { weight: 3 })).status).toBe(200);
      await until(async () => (await weights([one, two])).every((weight) => weight === 3));
      // It has them before it serves its first request.
      const three = await start("three");
      expect(await weights([three])).toEqual([3]);
      expect(await list(three)).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  test(
    "one that starts while Redis hangs has what it kept itself before its first request; the rest comes with Redis",
    async () => {
      const start = cluster();
      const [one, two] = await Promise.all(["one", "two"].map((name) => start(name)));
      expect((await patch(one, { state: "drain" })).status).toBe(200);
      await until(() => isDrained(two));
      await one.kill();
      running.delete(one);
      expect((await patch(two, { weight: 6 })).status).toBe(200);
      process.kill(redis.pid, "SIGSTOP");
      try {
        const again = await start("one");
        expect(await isDrained(again)).toBe(true);
        expect(await again.names(4)).toEqual({ b: 4 });
        expect((await patch(again, { capacity: 30 })).status).toBe(200);
        process.kill(redis.pid, "SIGCONT");
        await until(async () => (await weights([again]))[0] === 6);
        await until(() => all([again, two], async (product) => (await list(product)).length === 3));
      } finally {
        process.kill(redis.pid, "SIGCONT");
      }
    },
    TIMEOUT_MS,
  );

  test(
    "of two changes at once one wins everywhere; who looked before is told; a change may be for one instance",
    async () => {
      const start = cluster();
      const products = await Promise.all(NAMES.map((name) => start(name)));
      const [one, two, three] = products;
      for (let round = 1; round <= 3; round++) {
        const both = await Promise.all([patch(one, { weight: 10 * round }), patch(two, { weight: 10 * round + 1 })]);
        expect(both.map(({ status }) => status)).toEqual([200, 200]);
        await until(async () => {
          const [first, ...others] = await weights(products);
          return first >= 10 * round && others.every((weight) => weight === first);
        });
      }
      const etag = (await one.admin("/api/v1/servers/1")).headers.get("etag")!;
      expect((await patch(two, { weight: 50 })).status).toBe(200);
      const late = await patch(one, { weight: 60 }, "", { "if-match": etag });
      expect(late.status).toBe(412);
      expect(((await late.json()) as { code: string }).code).toBe("changed_meanwhile");
      await until(async () => (await weights(products)).every((weight) => weight === 50));

      expect((await patch(three, { weight: 9 }, "?scope=instance")).status).toBe(200);
      expect((await list(three))[0]).toMatchObject({ scope: "instance", value: 9, in_force: true });
      expect((await patch(one, { weight: 51 })).status).toBe(200);
      await until(async () => (await weights([two]))[0] === 51);
      expect(await weights(products)).toEqual([51, 51, 9]);
      // What is of all does not end in one.
      const refused = await patch(two, { weight: null }, "?scope=instance");
      expect(refused.status).toBe(422);
      expect(((await refused.json()) as { detail: string }).detail).toContain("was changed in all instances");
      expect((await patch(three, { weight: null }, "?scope=instance")).status).toBe(200);
      await until(async () => (await weights([three]))[0] === 51);
      expect((await patch(two, { weight: 5 }, "?scope=cluster&keep=false")).status).toBe(400);
      expect((await patch(two, { weight: 5 }, "?keep=false")).status).toBe(200);
      expect(await weights(products)).toEqual([51, 5, 51]);
    },
    TIMEOUT_MS,
  );

  test(
    "a configuration that is rolled out one by one wins where it is, and the change ends when it is everywhere",
    async () => {
      const start = cluster();
      const [one, two] = await Promise.all(["one", "two"].map((name) => start(name)));
      expect((await patch(one, { weight: 7 })).status).toBe(200);
      await until(async () => (await weights([two]))[0] === 7);
      const configured = { [`SERVER_WEIGHT_127_0_0_1_${backends[0].port}`]: "4" };
      one.configure(configured);
      one.process.kill("SIGHUP");
      await until(async () => (await weights([one]))[0] === 4);
      await until(() => one.said("it ends here: the override of the weight"));
      expect(await list(one)).toMatchObject([{ in_force: false }]);
      // Also of one that comes back.
      await one.kill();
      running.delete(one);
      const again = await start("one", configured);
      expect(await weights([again, two])).toEqual([4, 7]);
      two.configure(configured);
      two.process.kill("SIGHUP");
      await until(() => all([again, two], async (product) => (await list(product)).length === 0), 60_000);
      expect(await weights([again, two])).toEqual([4, 4]);
    },
    TIMEOUT_MS,
  );
});
