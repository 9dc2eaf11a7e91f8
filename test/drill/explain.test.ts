/** Explanations of the whole product: switched by a reload, bounded, and kept when the worker that wrote them dies. */
import { afterEach, expect, test } from "bun:test";
import type { Explanation } from "../../src/shared/explanation/explanation.ts";
import type { RecentRequests } from "../../src/shared/explanation/recent.ts";
import { Product, Scripted, until } from "./fixture.ts";

const open: { end?(): unknown; stop?(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.end?.() ?? each.stop?.()));
});

async function start(settings: Readonly<Record<string, string>> = {}): Promise<Product> {
  const servers = await Promise.all([new Scripted().start(), new Scripted().start()]);
  open.push(...servers);
  const urls = servers.map(({ port }) => `http://127.0.0.1:${port}`).join(",");
  const product = new Product({ SERVERS: urls, WORKERS: "1", ...settings });
  open.push(product);
  return product.ready();
}

const ask = (product: Product, path: string) =>
  fetch(`http://127.0.0.1:${product.port}${path}`, { keepalive: false, headers: { connection: "close" } });

async function recent(product: Product, query = ""): Promise<RecentRequests> {
  const response = await product.admin(`/api/v1/requests${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as RecentRequests;
}

test("EXPLAIN is switched off and on by a reload; EXPLAIN_MEMORY_MB bounds what is taken", async () => {
  const product = await start({ EXPLAIN: "off", EXPLAIN_MEMORY_MB: "8" });
  await ask(product, "/unseen");
  const off = await product.admin("/api/v1/requests");
  expect([off.status, ((await off.json()) as { code: string }).code]).toEqual([404, "not_kept"]);
  await product.reload({ EXPLAIN: "on" });
  await until(async () => {
    await ask(product, "/seen");
    return (await recent(product)).requests.length > 0;
  });
  const { memory, requests } = await recent(product);
  expect(memory.limit_bytes).toBe(8 * 1024 * 1024);
  expect(memory.bytes).toBeGreaterThan(0);
  expect(memory.bytes).toBeLessThanOrEqual(memory.limit_bytes);
  expect(requests.every(({ path }) => path === "/seen")).toBe(true);
  await product.reload({ EXPLAIN_MEMORY_MB: "16" });
  await until(async () => (await recent(product)).memory.limit_bytes === 16 * 1024 * 1024);
});

test("what a worker has written outlives it, and its successor goes on behind it", async () => {
  const product = await start({ LB_STRATEGY: "least_connections" });
  await ask(product, "/before");
  await until(async () => (await recent(product)).requests.length === 1);
  const [{ pid }] = (await product.status()).workers;
  process.kill(pid, "SIGKILL");
  await until(async () => {
    const [worker] = (await product.status()).workers;
    return worker.pid !== pid && worker.state === "ready";
  });
  await until(async () => (await ask(product, "/after").catch(() => null))?.status === 200);
  await until(async () => (await recent(product)).requests.some(({ path }) => path === "/after"));
  const { requests } = await recent(product);
  const before = requests.find(({ path }) => path === "/before");
  expect(before?.pool).toBe("default");
  const explanation = (await (await product.admin(`/api/v1/explain/${before?.request_id}`)).json()) as Explanation;
  expect(explanation.attempts[0]).toMatchObject({ strategy: "least_connections", candidate_count: 2 });
  expect(explanation.attempts[0].scale?.name).toBe("(in_flight + 1) / weight");
});

test("errors are told of with the client that met them", async () => {
  const product = await start({ SERVERS: "http://127.0.0.1:1", HEALTH_CHECK_ENABLED: "false" });
  const response = await ask(product, "/lost?token=secret");
  expect(response.status).toBe(502);
  // It is taken down when the request is over, which its client may know first.
  const errors = async () =>
    (await (await product.admin("/api/v1/errors")).json()) as { counts: object[]; errors: object[] };
  await until(async () => {
    const { counts, errors: told } = await errors();
    return counts.length > 0 && told.length > 0;
  });
  expect(await errors()).toMatchObject({
    counts: [{ code: "connect_refused", count: 1 }],
    errors: [
      {
        path: "/lost",
        client: "127.0.0.1",
        proxy_status: response.headers.get("proxy-status"),
        request_id: response.headers.get("x-request-id"),
        message: "the server refused the connection",
      },
    ],
  });
});
