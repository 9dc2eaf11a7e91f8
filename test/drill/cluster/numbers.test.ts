/** What three instances on one Redis make of each other's requests in flight. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { answer, type Outcome, Product, request, type Scripted, serversOn, startScripted, until } from "../fixture.ts";

/** Most requests in flight that an instance has at one server. */
const LIMIT = 3;

let redis: RedisServer;
let servers: readonly Scripted[] = [];
let products: Product[] = [];
/** Requests that wait for their response. */
const held: (() => void)[] = [];
const sent: Promise<Outcome>[] = [];

/** Answers when the test says so. */
function hold(socket: Socket, path: string, count: number): void {
  held.push(() => answer(socket, path, count));
}

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await RedisServer.start();
  servers = await startScripted(hold, hold);
  const settings = {
    REDIS_ADDR: redis.addr,
    SERVERS: serversOn(...servers),
    WORKERS: "1",
    LB_STRATEGY: "least_connections",
    QUEUE_TIMEOUT_MS: "100000",
  };
  const limits = Object.fromEntries(servers.map(({ port }) => [`SERVER_CAPACITY_127.0.0.1_${port}`, String(LIMIT)]));
  products = [new Product({ ...settings, ...limits }), new Product({ ...settings, ...limits }), new Product(settings)];
  await Promise.all(products.map((product) => product.ready()));
}, 240_000);
afterAll(async () => {
  for (const end of held) end();
  await Promise.all(products.map((product) => product.kill()));
  await Promise.all(sent);
  await Promise.all(servers.map((server) => server.stop()));
  await redis?.remove();
}, 120_000);

/** Own and others' requests, of all servers together. */
async function counted(product: Product): Promise<{ readonly own: number; readonly others: number }> {
  const list = (await (await product.admin("/api/v1/servers")).json()) as {
    readonly active_connections: number;
    readonly peer_connections: number;
  }[];
  return {
    own: list.reduce((sum, server) => sum + server.active_connections, 0),
    others: list.reduce((sum, server) => sum + server.peer_connections, 0),
  };
}

/** Sends so many, and waits until they are there. */
async function fill(product: Product, requests: number): Promise<void> {
  for (let i = 0; i < requests; i++) sent.push(request(product.port));
  await until(async () => (await counted(product)).own === requests);
}

describe.skipIf(!hasRedis)("three instances", () => {
  test("hear of each other's requests, and keep hard limits each for itself", async () => {
    const full = 2 * LIMIT;
    await fill(products[0], full);
    // Others' requests count in whole numbers, each server's rounded by chance.
    await until(async () => (await counted(products[1])).others >= full - 2);
    await fill(products[1], full);
    await until(async () => (await counted(products[2])).others >= 2 * full - 2);
    const { own, others } = await counted(products[2]);
    expect(own).toBe(0);
    expect(others).toBeLessThanOrEqual(2 * full + 2);
    expect(await products[2].metric("server_peer_connections")).toBeGreaterThan(0);
    for (const product of products) expect(product.count("requests in flight were counted anew")).toBe(0);
  }, 120_000);

  test("let go of a server although others have requests there", async () => {
    const [gone, stays] = servers;
    await products[2].reload({ SERVERS: serversOn(stays) });
    expect(products[2].count("is rejected")).toBe(0);
    await until(async () => (await products[2].servers()).every(({ url }) => !url.endsWith(`:${gone.port}`)));
    expect((await counted(products[1])).own).toBe(2 * LIMIT);
    // What remains is of the server that stays.
    await until(async () => (await counted(products[2])).others >= LIMIT);
  }, 120_000);

  test("forget who is killed", async () => {
    await products[0].kill();
    await products[1].kill();
    await until(async () => (await counted(products[2])).others === 0);
    expect((await counted(products[2])).own).toBe(0);
    const last = request(products[2].port);
    await until(() => held.length === 4 * LIMIT + 1);
    held.at(-1)!();
    expect((await last).status).toBe(200);
  }, 120_000);
});
