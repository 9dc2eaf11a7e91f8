/** Modes of working with less that no other drill is about: each is seen while it lasts, in metrics and API. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { answer, isAlive, Product, request, serversOn, startScripted, until } from "./fixture.ts";

const open = endedAfterAll();

async function start(settings: Readonly<Record<string, string>> = {}): Promise<Product> {
  const servers = await startScripted(answer);
  const product = await new Product({ SERVERS: serversOn(...servers), ...settings }).ready();
  open.push(product, ...servers);
  return product;
}

test("nothing is degraded where nothing is wrong, and every mode is told of", async () => {
  const product = await start();
  await until(async () => (await product.status()).degraded.length === 0);
  expect(await product.metric("degraded{")).toBe(0);
  const text = await (await product.admin("/metrics")).text();
  const modes = [...text.matchAll(/^neurabalancer_degraded\{mode="(\w+)"\}/gm)].map(([, mode]) => mode);
  const help = /^# HELP neurabalancer_degraded (.*)$/m.exec(text)![1];
  expect([...help.matchAll(/`(\w+)` \(/g)].map(([, mode]) => mode).sort()).toEqual(modes.sort());
  const operations = readFileSync(join(import.meta.dir, "../../docs/operations.md"), "utf8");
  for (const mode of modes) expect(operations).toContain(`| \`${mode}\` |`);
});

test("workers: fewer are ready than meant, and the others serve", async () => {
  const product = await start();
  const [first] = (await product.status()).workers;
  let pid = first.pid;
  await until(async () => {
    [{ pid }] = (await product.status()).workers; // the one that took the last one's place
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
    return (await product.degraded("workers")) === 1;
  });
  await until(() => !isAlive(pid)); // connections come to a process that is killed until it is gone
  expect((await request(product.port)).status).toBe(200);
  await until(async () => (await product.degraded("workers")) === 0);
  expect((await product.status()).workers[0].pid).not.toBe(first.pid);
});

test("draining: from the signal on, while requests are still served", async () => {
  const product = await start({ SHUTDOWN_GRACE_SECONDS: "60", SHUTDOWN_TIMEOUT_SECONDS: "90" });
  product.process.kill("SIGTERM");
  await until(async () => (await product.degraded("draining")) === 1);
  expect((await product.status()).degraded).toContain("draining");
  expect((await request(product.port)).status).toBe(200);
  product.process.kill("SIGINT"); // who insists does not wait for the grace
  await until(() => product.process.exitCode !== null);
});
