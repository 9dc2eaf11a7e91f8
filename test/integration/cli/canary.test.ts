/** `neurabalancer canary` at a running instance. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProductProcess } from "../../support/product-process.ts";
import { neurabalancerBeside } from "./spawn.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-canary-cli-"));
const backends = ["old", "next"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const file = join(directory, "neurabalancer.yaml");
const pools = backends.map(({ port }, i) => `  ${["old", "next"][i]}: {servers: ["http://127.0.0.1:${port}"]}`);
writeFileSync(file, ["pools:", ...pools, "routes:", "  - {name: shop, path: /, pool: old}", ""].join("\n"));
const product = new ProductProcess({
  CONFIG_FILE: file,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "1",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
});
beforeAll(() => product.started());
afterAll(async () => {
  await product.kill();
  await Promise.all(backends.map((server) => server.stop(true)));
  rmSync(directory, { recursive: true });
});

const admin = () => `http://127.0.0.1:${product.said("admin API listens")?.port}`;
const run = (...args: string[]) => neurabalancerBeside(["canary", ...args, "--admin", admin()], {}, product.directory);

test("one is begun, shown, changed, rolled back and forgotten", async () => {
  expect((await run("list")).stdout).toBe("No pool is under trial.\n");
  const dry = await run("start", "shop", "next", "--dry-run");
  expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining("old 1 → old 19, next 1")]);
  const begun = await run("start", "shop", "next", "--steps", "5,50", "--auto", "false", "--min-duration", "90s");
  expect([begun.code, begun.stdout]).toEqual([0, "Begun: pool next gets 5 % of the requests of route shop.\n"]);
  const shown = await run("show", "shop");
  expect(shown.code).toBe(0);
  for (const part of [
    "running, waits for an operator at each verdict",
    "5 %, then 50 % (steps: 5, 50)",
    "90s and 500 requests at least, 15m without a proof",
  ]) {
    expect(shown.stdout).toContain(part);
  }
  expect(shown.stdout).toMatch(/^It (has begun|waits for requests: .* pool next)\.$/m);
  expect((await run("list")).stdout).toMatch(/shop +next +running +5 % +50 %/);
  const changed = await run("set", "shop", "--percent", "20", "--reason", "faster");
  expect([changed.code, changed.stdout]).toEqual([0, "Done: pool next has 20 % of the requests of route shop.\n"]);
  expect(JSON.parse((await run("show", "shop", "--json")).stdout)).toMatchObject({ percent: 20, steps: [5, 50] });
  const back = await run("rollback", "shop");
  expect([back.code, back.stdout]).toEqual([0, "Rolled back: pool next has nothing of the requests of route shop.\n"]);
  expect((await run("list", "--json")).stdout).toContain("rolled_back");
  expect((await run("list")).stdout).toContain("was 20 %");
  expect((await run("forget", "shop")).code).toBe(0);
  expect(JSON.parse((await run("list", "--json")).stdout)).toEqual([]);
});

test("one is promoted", async () => {
  await run("start", "shop", "next", "--steps", "5,50");
  const promoted = await run("promote", "shop");
  expect([promoted.code, promoted.stdout]).toEqual([
    0,
    "Promoted: pool next has 50 % of the requests of route shop.\n",
  ]);
  const again = await run("start", "shop", "next");
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("gets requests of route shop already")]);
});

test("what is wrong is said", async () => {
  const wrong = await run("start", "shop", "next", "--steps", "5,x");
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("Expected percents separated by commas")]);
  const nowhere = await run("show", "nowhere");
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("there is no route nowhere")]);
});
