/**
 * Scrapes that were cut off went on in the supervisor, each by itself: at 500 a second its health checks timed out, healthy
 * servers went down, and memory grew with each of them.
 */
import { afterEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { Product } from "../drill/fixture.ts";

const SERVERS = 60;
const SCRAPES = 4_000;
const open: { end(): unknown }[] = [];
afterEach(async () => {
  for (const opened of open.splice(0).reverse()) await opened.end();
});

/** Healthy servers, each at an address of its own, as the setting `SERVERS`. */
function startServers(): string {
  let port = 0;
  const urls: string[] = [];
  for (let i = 1; i <= SERVERS; i++) {
    const socket = { data: (client: Bun.Socket) => void client.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") };
    const listener = Bun.listen({ hostname: `127.7.0.${i}`, port, socket });
    open.push({ end: () => listener.stop(true) });
    port = listener.port;
    urls.push(`http://127.7.0.${i}:${port}`);
  }
  return urls.join(",");
}

/** Asks and goes away without waiting. */
function cutOffScrape(port: number, path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => resolve());
  socket.on("connect", () => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    setTimeout(() => {
      socket.resetAndDestroy();
      resolve();
    }, 5);
  });
  return promise;
}

test("a flood of scrapes that are cut off fails no health check, and who waits gets his scrape", async () => {
  const product = new Product({ SERVERS: startServers(), HEALTH_CHECK_TIMEOUT_SECONDS: "3" });
  open.push(product);
  await product.ready();
  for (const path of ["/metrics", "/api/v1/servers"]) {
    for (let done = 0; done < SCRAPES; done += 20) {
      await Promise.all(Array.from({ length: 20 }, () => cutOffScrape(product.port, path)));
    }
  }
  const scrape = await fetch(`http://127.0.0.1:${product.port}/metrics`);
  expect(await scrape.text()).toContain("neurabalancer_server_up");
  expect(await product.metric("health_checks_total")).toBeGreaterThan(SERVERS);
  expect(await product.metric("health_check_failures_total")).toBe(0);
  expect((await product.servers()).map(({ state }) => state)).toEqual(Array(SERVERS).fill("up"));
}, 120_000);
