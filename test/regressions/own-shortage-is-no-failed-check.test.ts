/**
 * A supervisor without a descriptor left took its checks, which the runtime reports as refused, for the servers' failures:
 * the whole fleet went down.
 */
import { afterEach, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { ownShortage } from "../../src/health/own-shortage.ts";
import { answer, Product, type Scripted, serversOn, startScripted, until } from "../drill/fixture.ts";
import { spawnSync } from "../support/processes.ts";

let product: Product | undefined;
let servers: Scripted[] = [];
afterEach(async () => {
  await product?.end();
  product = undefined;
  for (const server of servers.splice(0)) await server.stop();
});

/** How many descriptors the supervisor may have. */
function allow(count: number): void {
  const { exitCode } = spawnSync(["prlimit", `--pid=${product!.process.pid}`, `--nofile=${count}:`]);
  expect(exitCode).toBe(0);
}

test("while the supervisor has no descriptor left, servers stay as they were, and it says so once", async () => {
  servers = await startScripted(answer, answer, answer);
  product = await new Product({ SERVERS: serversOn(...servers), HEALTH_CHECK_RETRIES: "1" }).ready();
  allow(3); // no new one can have a number below that, whichever is closed meanwhile
  await until(() => product!.said("health checks cannot be made") !== undefined);
  for (const server of servers) server.healthy = false; // nobody could know
  await Bun.sleep(1000);
  for (const server of servers) server.healthy = true;
  allow(1024);
  await until(async () => (await product!.degraded("health_checks")) === 0);
  expect(await product.metric("health_checks_skipped_total")).toBeGreaterThanOrEqual(3);
  expect(await product.metric("health_check_failures_total")).toBe(0);
  expect((await product.servers()).map(({ state }) => state)).toEqual(["up", "up", "up"]);
  expect(product.count("health checks cannot be made")).toBe(1);
  expect(product.count("is down")).toBe(0);

  for (const server of servers) server.healthy = false; // and now they are made again
  await until(async () => (await product!.metric("health_check_failures_total")) > 0);
});

test("no local port left is our shortage; no address of the server's family is not", () => {
  const local = { code: "EADDRNOTAVAIL", name: "", message: "" };
  const hasSix = Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === "IPv6"));
  expect(ownShortage(local, "127.0.0.1")).toBe("ports");
  expect(ownShortage(local, "::1")).toBe(hasSix ? "ports" : null);
  for (const code of ["ENOBUFS", "ENOMEM"]) expect(ownShortage({ ...local, code }, "::1")).toBe("memory");
  for (const code of ["ENFILE", "EMFILE"]) expect(ownShortage({ ...local, code }, "::1")).toBe("descriptors");
  for (const code of ["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH"]) {
    expect(ownShortage({ ...local, code }, "127.0.0.1")).toBeNull();
  }
});
