/** Many who change the same thing at one time, with `If-Match` and without, while the configuration is read again and again. */
import { afterAll, expect, test } from "bun:test";
import { until } from "../../../support/until.ts";
import { Product } from "../supervisor/product.ts";

/** Fewer than the admin port has places. */
const CLIENTS = 20;
const running: Product[] = [];
const backend = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("a") });
afterAll(async () => {
  await Promise.all(running.map((product) => product.kill()));
  await backend.stop(true);
});

test("of changes with If-Match none is lost and none made twice, and each is in the audit, whatever is reloaded meanwhile", async () => {
  const product = new Product({
    SERVERS: `http://127.0.0.1:${backend.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
  });
  running.push(product);
  await product.ready();
  const path = "/api/v1/servers/1";
  const capacity = async (): Promise<{ tag: string; value: number }> => {
    const response = await product.admin(path);
    return {
      tag: response.headers.get("etag") ?? "",
      value: ((await response.json()) as { capacity: number }).capacity,
    };
  };
  const before = (await capacity()).value;
  let acknowledged = 0;
  let stale = 0;
  const addOne = async (): Promise<void> => {
    for (;;) {
      const { tag, value } = await capacity();
      const headers = { "content-type": "application/json", "if-match": tag };
      const body = JSON.stringify({ capacity: value + 1 });
      const response = await product.admin(path, { method: "PATCH", headers, body });
      if (response.status === 200) {
        acknowledged++;
        return;
      }
      expect((await response.json()) as object).toMatchObject({ status: 412 });
      stale++;
    }
  };
  let over = false;
  const reloading = (async () => {
    while (!over) {
      product.process.kill("SIGHUP");
      await product.admin("/health/live"); // at the pace of the process that has to take it
    }
  })();
  await Promise.all(Array.from({ length: CLIENTS }, addOne));
  over = true;
  await reloading;
  expect(acknowledged).toBe(CLIENTS);
  expect(stale).toBeGreaterThan(0);
  expect((await capacity()).value).toBe(before + CLIENTS);
  const audited = async (): Promise<readonly number[]> => {
    const { entries } = (await (await product.admin("/api/v1/audit?limit=200")).json()) as {
      entries: { action: string; after: { capacity: number } }[];
    };
    return entries.filter(({ action }) => action === "server.change").map(({ after }) => after.capacity);
  };
  expect(await audited()).toEqual(Array.from({ length: CLIENTS }, (_, i) => before + CLIENTS - i));
  await until(() => product.said("is in force") !== undefined);
}, 120_000);
