/** `neurabalancer servers`, `overrides` and `settings` at a running instance. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";
import { neurabalancerBeside } from "./spawn.ts";

/** What asks for `/slow` is answered when this is. */
const release = Promise.withResolvers<void>();
const backend = (name: string) =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async ({ url }) => {
      if (url.endsWith("/slow")) await release.promise;
      return new Response(name);
    },
  });
const [a, b] = [backend("a"), backend("b")];
const urlOf = ({ port }: typeof a) => `http://127.0.0.1:${port}`;
const nameOf = ({ port }: typeof a) => `127.0.0.1:${port}`;

const product = new ProductProcess({
  SERVERS: [a, b].map(urlOf).join(","),
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "1",
  LB_STRATEGY: "round_robin",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
  SLOW_START_SECONDS: "0",
});
beforeAll(() => product.started());
afterAll(async () => {
  await product.kill();
  await Promise.all([a, b].map((server) => server.stop(true)));
});

const admin = () => `http://127.0.0.1:${product.said("admin API listens")?.port}`;
const run = (...args: string[]) => runIn(product.directory, ...args, "--admin", admin());
const runIn = (cwd: string, ...args: string[]) => neurabalancerBeside(args, {}, cwd);
const shown = async (name: string) => {
  const servers = JSON.parse((await run("servers", "list", "--json")).stdout) as {
    url: string;
    state: string;
    weight: number;
  }[];
  return servers.find(({ url }) => url === name);
};

test("an instance of this machine is asked directly, whatever proxy the environment names", async () => {
  const asked: string[] = [];
  using proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ headers }) {
      asked.push(headers.get("authorization") ?? "");
      return new Response("", { status: 502 });
    },
  });
  const proxies = { http_proxy: proxy.url.href, HTTP_PROXY: proxy.url.href };
  const listed = await neurabalancerBeside(["servers", "list", "--admin", admin(), "--token", "secret"], proxies);
  expect([listed.code, asked]).toEqual([0, []]);
});

test("in the directory that an instance was started in, a command finds it, whatever port it has", async () => {
  const found = await runIn(product.directory, "servers", "list");
  expect([found.code, found.stdout]).toEqual([0, expect.stringContaining(urlOf(a))]);
  const lost = mkdtempSync(join(product.directory, "elsewhere-"));
  writeFileSync(join(lost, ".env"), "ADMIN_PORT=auto\n");
  const none = await runIn(lost, "servers", "list");
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining(`${admin()} (process `)]);
});

describe("servers", () => {
  test("are listed, and named by id, URL or host:port; what is none says which there are", async () => {
    const table = await run("servers", "list");
    expect([table.code, table.stdout]).toEqual([0, expect.stringContaining(urlOf(a))]);
    const none = await run("servers", "drain", "nobody");
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining(urlOf(b))]);
    expect((await run("servers", "weight", urlOf(a), "2")).code).toBe(0);
    expect((await run("servers", "weight", nameOf(a), "3", "--reason", "larger")).code).toBe(0);
    expect(await shown(urlOf(a))).toMatchObject({ weight: 3 });
    expect((await run("servers", "weight", nameOf(a), "configured")).code).toBe(0);
    expect(await shown(urlOf(a))).toMatchObject({ weight: 1 });
    const wrong = await run("servers", "weight", nameOf(a), "0");
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("must be a number from 0.001")]);
  });

  test("are changed for this instance alone where that is asked for; for all only where there are others", async () => {
    expect((await run("servers", "weight", nameOf(a), "4", "--scope", "instance")).code).toBe(0);
    expect(await shown(urlOf(a))).toMatchObject({ weight: 4 });
    const alone = await run("servers", "weight", nameOf(a), "5", "--scope", "cluster");
    expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining("REDIS_ADDR")]);
    expect((await run("servers", "weight", nameOf(a), "configured")).code).toBe(0);
    expect(await shown(urlOf(a))).toMatchObject({ weight: 1 });
  });

  test("are drained, waited for, and taken back", async () => {
    const dry = await run("servers", "maintenance", nameOf(a), "--for", "2h", "--dry-run", "--reason", "disks");
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining("Nothing was changed")]);
    expect(await shown(urlOf(a))).toMatchObject({ state: "up" });
    // A request that is under way at either server.
    const slow = [1, 2].map(() => fetch(`http://127.0.0.1:${product.port}/slow`, { keepalive: false }));
    await until(async () => {
      const servers = (await (await product.admin("/api/v1/servers")).json()) as { active_connections: number }[];
      return servers.every(({ active_connections: inFlight }) => inFlight === 1);
    });
    const early = await run("servers", "drain", nameOf(a), "--wait", "1ms");
    expect([early.code, early.stderr]).toEqual([2, expect.stringContaining("in flight")]);
    const waiting = run("servers", "drain", nameOf(a), "--wait");
    let isBack = false;
    void waiting.then(() => {
      isBack = true;
    });
    // Another command begins and ends meanwhile: that one waits.
    expect(await shown(urlOf(a))).toMatchObject({ state: "draining" });
    expect(isBack).toBe(false);
    release.resolve();
    const drained = await waiting;
    expect([drained.code, drained.stdout]).toEqual([0, expect.stringContaining("Idle")]);
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await run("servers", "activate", nameOf(a))).stdout).toContain("Done");
    expect(await shown(urlOf(a))).toMatchObject({ state: "up" });
  });

  test("come and go", async () => {
    const added = await run("servers", "add", "http://127.0.0.1:9", "--weight", "2");
    expect([added.code, added.stdout]).toEqual([0, expect.stringContaining("Added")]);
    expect(await shown("http://127.0.0.1:9")).toMatchObject({ weight: 2 });
    expect((await run("servers", "remove", "127.0.0.1:9", "--wait")).code).toBe(0);
  });
});

describe("overrides", () => {
  test("are ended, unless it is only tried", async () => {
    expect((await run("servers", "weight", nameOf(a), "3")).code).toBe(0);
    const { overrides } = JSON.parse((await run("overrides", "list", "--json")).stdout) as {
      overrides: { id: string }[];
    };
    const [{ id }] = overrides;
    for (const args of [["remove", id], ["clear"]]) {
      expect((await run("overrides", ...args, "--dry-run")).stdout).toContain("Nothing was changed. It would be");
    }
    expect(await shown(urlOf(a))).toMatchObject({ weight: 3 });
    expect((await run("overrides", "remove", id)).stdout).toContain("has ended");
    expect(await shown(urlOf(a))).toMatchObject({ weight: 1 });
    expect((await run("overrides", "clear")).stdout).toContain("Nothing is changed");
  });
});

describe("settings", () => {
  test("are shown, changed and reset", async () => {
    expect((await run("settings", "set", "LOG_LEVEL=debug", "--reason", "look")).code).toBe(0);
    const changed = (await run("settings", "list", "log_level")).stdout;
    expect(changed).toMatch(/LOG_LEVEL +debug +info +override by local/);
    expect((await run("settings", "reset", "LOG_LEVEL")).code).toBe(0);
    expect((await run("settings", "list", "LOG_LEVEL")).stdout).toMatch(/LOG_LEVEL +info +default/);
    const wrong = await run("settings", "set", "LOG_LEVEL=loud", "APP_PORT=1");
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("needs a restart")]);
    expect((await run("settings", "set", "LB_STRATEGY=p2c", "--pool", "default")).code).toBe(0);
    expect((await run("settings", "list", "LB_STRATEGY", "--pool", "default")).stdout).toMatch(
      /LB_STRATEGY +p2c +round_robin/,
    );
  });

  test("of files are tried, and read again; an override loses to a changed file, and that is said", async () => {
    const file = join(product.directory, "other.env");
    writeFileSync(file, `SERVERS=${urlOf(a)}\nLB_STRATEGY=random\n`);
    const tried = await run("settings", "validate", "--env", file);
    expect([tried.code, tried.stdout]).toEqual([0, expect.stringContaining(urlOf(b))]);
    expect(tried.stdout).toContain("an override ends");
    writeFileSync(file, "SERVERS=nonsense\n");
    const wrong = await run("settings", "validate", "--env", file);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("SERVERS")]);
    product.configure({ LB_STRATEGY: "random" });
    const read = await run("settings", "reload", "--reason", "evening");
    expect([read.code, read.stdout]).toEqual([0, expect.stringContaining("an override ends")]);
    expect((await run("settings", "list", "LB_STRATEGY", "--pool", "default")).stdout).toMatch(/LB_STRATEGY +random/);
    product.configure({ LB_STRATEGY: "none" });
    const refused = await run("settings", "reload");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("is not a strategy")]);
  });
});
