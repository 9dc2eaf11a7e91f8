/** Rate limits that three running instances share in a real Redis, with a password and over TLS. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../../../support/certificates.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { ProductProcess } from "../../../support/product-process.ts";
import { until } from "../../../support/until.ts";

const COUNT = 3;
const QUOTA = 120;
const PASSWORD = "p:a@s/s word";
const AT_ONCE = 6;
/** Who uploads, and nobody else. */
const UPLOADER = "198.51.100.7";
const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  // An upload is answered, and goes on until the client has gone.
  fetch: ({ url }) =>
    url.endsWith("/upload") ? new Response(new ReadableStream({ pull: endless })) : new Response("ok"),
});
let redis: RedisServer;
let products: ProductProcess[] = [];

beforeAll(async () => {
  if (!hasRedis) return;
  const authority = createAuthority();
  const { cert, key } = authority.issue("DNS:localhost");
  redis = await RedisServer.start(PASSWORD, { cert, key, ca: authority.cert });
  const ca = join(redis.directory, "trusted.pem");
  writeFileSync(ca, authority.cert);
  products = Array.from({ length: COUNT }, () => {
    const settings = {
      SERVERS: `http://127.0.0.1:${backend.port}`,
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      WORKERS: "1",
      HEALTH_CHECK_PATH: "/",
      HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
      REDIS_ADDR: `localhost:${redis.port}`,
      REDIS_PASSWORD: PASSWORD,
      REDIS_DB: "5",
      REDIS_TLS: "on",
      RATE_LIMITS: `users rate=${QUOTA}/d key=header:x-user shared=on; strict rate=${QUOTA}/d key=header:x-strict shared=on when_away=closed clients=192.0.2.1; uploads concurrent=${AT_ONCE} key=client_ip clients=${UPLOADER} shared=on`,
      TRUSTED_PROXIES: "127.0.0.1",
    };
    return new ProductProcess(settings, { prelude: `export NODE_EXTRA_CA_CERTS=${ca}` });
  });
  await Promise.all(products.map((product) => product.started()));
  await until(async () => (await Promise.all(products.map(degraded))).every((modes) => !modes.includes("redis")));
}, 120_000);
afterAll(async () => {
  await Promise.all(products.map((product) => product.kill()));
  await redis?.remove();
  await backend.stop(true);
});

async function degraded(product: ProductProcess): Promise<readonly string[]> {
  const response = await product.admin("/api/v1/status");
  return ((await response.json()) as { degraded: readonly string[] }).degraded;
}

async function statusOf(product: ProductProcess, user: string, from = "203.0.113.9"): Promise<number> {
  const headers = { "x-user": user, "x-strict": user, "x-forwarded-for": from };
  const response = await fetch(`http://127.0.0.1:${product.port}/`, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** Says something, and then nothing for ever. */
function endless(controller: ReadableStreamDefaultController<string>): Promise<void> {
  controller.enqueue("begun");
  return new Promise(() => {});
}

/** Begins uploads at these in turn until so many are under way, and then until none may begin for a while. */
async function upload(at: readonly ProductProcess[], least: number): Promise<(() => void)[]> {
  const underWay: (() => void)[] = [];
  let [turn, silent] = [0, 0];
  await until(async () => {
    const abort = new AbortController();
    const url = `http://127.0.0.1:${at[turn++ % at.length].port}/upload`;
    const headers = { "x-forwarded-for": UPLOADER, "x-user": `${turn}` };
    const response = await fetch(url, { headers, signal: abort.signal });
    const { status } = response;
    // Read to its end, which does not come: the client of a response that nobody reads goes away by itself.
    response.text().catch(() => {});
    expect([200, 429]).toContain(status);
    silent = status === 200 ? 0 : silent + 1;
    if (status === 200) underWay.push(() => abort.abort());
    else abort.abort();
    return underWay.length >= least && silent >= 50;
  });
  return underWay;
}

/** What may come of a user that nobody has asked about, after one request. */
async function leftOfNew(product: ProductProcess, user: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${product.port}/`, { headers: { "x-user": user } });
  await response.arrayBuffer();
  return Number(/"users";r=([0-9]+)/.exec(response.headers.get("ratelimit") ?? "")?.[1]);
}

describe.skipIf(!hasRedis)("rate limits in Redis", () => {
  test("three instances let no more pass together than one would", async () => {
    // Each has to know of the others: what it lets pass in advance is a part.
    let [passed, silent] = [0, 0];
    await until(async () =>
      (await Promise.all(products.map((one) => statusOf(one, "warm up")))).every((one) => one === 200),
    );
    for (let turn = 0; silent < 60; turn++) {
      const status = await statusOf(products[turn % COUNT], "ann");
      expect([200, 429]).toContain(status);
      if (status === 200) passed++;
      silent = status === 200 ? 0 : silent + 1;
      if (silent > 0 && silent % 20 === 0) await Bun.sleep(100); // what was lent to others is given back
    }
    expect(passed).toBeWithin(Math.floor(QUOTA * 0.98), Math.ceil(QUOTA * 1.1) + COUNT + 1);
    // Another client has its own.
    expect(await statusOf(products[0], "bob")).toBe(200);
  });

  test("without it each goes by what its limits say, says so once, and shares them again when it is back", async () => {
    // Instances hear of each other once a second: of a key that nobody has asked about one that is alone lets 12 pass, a third 4.
    let keys = 0;
    await until(async () => (await leftOfNew(products[0], `new ${keys++}`)) < 4);
    const told = ({ lines }: ProductProcess): number =>
      lines.filter(({ msg }) => msg.startsWith("Redis does not answer")).length;
    await until(async () => (await Promise.all(products.map(degraded))).every((modes) => !modes.includes("redis")));
    const before = products.map(told); // it may have been late for one of them on a busy machine
    await redis.kill();
    await until(async () => (await Promise.all(products.map(degraded))).every((modes) => modes.includes("redis")));
    expect(await statusOf(products[0], "carl", "192.0.2.1")).toBe(429); // closed
    // Its part of the whole: a third.
    const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(products[0], "emil")));
    expect(statuses.filter((status) => status === 200).length).toBeWithin(QUOTA / COUNT - 1, QUOTA / COUNT + 5);
    expect(await products[0].admin("/metrics").then((response) => response.text())).toContain(
      'neurabalancer_degraded{mode="redis"} 1',
    );
    for (const [index, product] of products.entries()) await until(() => told(product) > before[index]);
    expect(products.map((product, index) => told(product) - before[index])).toEqual(products.map(() => 1));
    await redis.start();
    await until(async () => (await Promise.all(products.map(degraded))).every((modes) => !modes.includes("redis")));
    await until(async () => (await statusOf(products[0], "dora", "192.0.2.1")) === 200);
  });

  test("requests at once are shared, and those of an instance that was killed are the others'", async () => {
    const first = await upload(products, AT_ONCE);
    // But for the first of each instance.
    expect(first.length).toBeWithin(AT_ONCE, AT_ONCE + COUNT);
    await products[2].kill();
    for (const end of first) end();
    // Its own come back after their time, whether or not it has said that they are over.
    const others = await upload(products.slice(0, 2), AT_ONCE);
    expect(others.length).toBeWithin(AT_ONCE, AT_ONCE + 2);
    for (const end of others) end();
    const { limits } = (await (await products[0].admin("/api/v1/limits")).json()) as {
      readonly limits: readonly { readonly name: string; readonly shared: { readonly away: string | null } | null }[];
    };
    expect(limits.find(({ name }) => name === "uploads")?.shared).toMatchObject({ when_away: "local", away: null });
  });
});
