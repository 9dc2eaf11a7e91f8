/** Readiness of the real product, as its public port and its admin port say it. */
import { expect, test } from "bun:test";
import { eventually } from "../../../support/until.ts";
import { Product } from "./product.ts";

/** Both ports' status code and body. */
async function ready(product: Product): Promise<[status: number, body: object][]> {
  const responses = await Promise.all([product.get("/health/ready"), product.admin("/health/ready")]);
  return Promise.all(
    responses.map(async (response): Promise<[number, object]> => [response.status, (await response.json()) as object]),
  );
}

test("both ports wait for a check, agree while the instance stops, and need no supervisor", async () => {
  let checked = Promise.withResolvers<void>();
  const backend = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      if (new URL(request.url).pathname === "/health") await checked.promise;
      return new Response("hello");
    },
  });
  const product = new Product({
    SERVERS: `http://127.0.0.1:${backend.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "2",
    HEALTH_CHECK_TIMEOUT_SECONDS: "300",
    METRICS_POLL_ENABLED: "false",
    SHUTDOWN_TIMEOUT_SECONDS: "300",
    SHUTDOWN_GRACE_SECONDS: "300",
  });
  try {
    await product.started();
    expect(await product.names(2)).toEqual({ hello: 2 });
    const waiting = [503, { status: "not_ready", total: 1, healthy: 0 }] as [number, object];
    expect(await ready(product)).toEqual([waiting, waiting]);

    checked.resolve();
    const good = [200, { status: "ready", total: 1, healthy: 1 }] as [number, object];
    await eventually(async () => expect(await ready(product)).toEqual([good, good]));

    product.process.kill("SIGSTOP");
    expect((await product.get("/health/ready")).status).toBe(200);
    product.process.kill("SIGCONT");

    checked = Promise.withResolvers<void>();
    product.process.kill("SIGTERM");
    const stopping = [503, { status: "draining", total: 1, healthy: 1 }] as [number, object];
    await eventually(async () => expect(await ready(product)).toEqual([stopping, stopping]));
    expect(await product.names(2)).toEqual({ hello: 2 });
    product.process.kill("SIGINT"); // a second signal: at once
    expect(await product.process.exited).toBe(130);
  } finally {
    checked.resolve();
    await product.kill();
    await backend.stop(true);
  }
});
