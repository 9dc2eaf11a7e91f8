/** What README.md shows under "Use it" is done as it stands there, with servers that are there in place of its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEEPS_NOTHING } from "../../support/configuration.ts";
import { blocksOf } from "../../support/doc-blocks.ts";
import { Daemon, Scratch } from "../../support/processes.ts";
import { until } from "../../support/until.ts";

const ROOT = join(import.meta.dir, "../../..");
const BLOCKS = blocksOf("README.md");
const SERVER = /http:\/\/(10\.[\d.]+:\d+)/g;

const scratch = new Scratch();
const servers = new Map<string, ReturnType<typeof Bun.serve>>();

/** What it takes to run beside others, in place of what README leaves at its defaults. */
const ENVIRONMENT = {
  ...KEEPS_NOTHING,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "1",
  ACCESS_LOG: "off",
  DATA_DIR: scratch.file("data"),
};

beforeAll(() => {
  for (const [, name] of BLOCKS.map(({ text }) => text)
    .join("")
    .matchAll(SERVER)) {
    if (servers.has(name)) continue;
    const fetch = () => new Response(name);
    servers.set(name, Bun.serve({ hostname: "127.0.0.1", port: 0, fetch }));
  }
});

afterAll(async () => {
  for (const server of servers.values()) await server.stop(true);
  scratch.remove();
});

const withServers = (text: string) =>
  text.replaceAll(SERVER, (_, name: string) => `http://127.0.0.1:${servers.get(name)!.port}`);

function blockWith(text: string): string {
  const found = BLOCKS.filter((block) => block.text.includes(text));
  expect(found).toHaveLength(1);
  return found[0].text.trim();
}

async function started(product: Daemon): Promise<string> {
  return `http://127.0.0.1:${await product.says(({ stderr }) => /balancing over [^"]*on port (\d+)/.exec(stderr)?.[1])}`;
}

/** Who answers requests for a host and path, however many it takes to hear all of them. */
async function answering(address: string, host: string, path: string, all: readonly string[]): Promise<string[]> {
  const heard = new Set<string>();
  await until(async () => {
    heard.add(await (await fetch(address + path, { headers: { host } })).text());
    return heard.size >= all.length;
  });
  return [...heard].sort();
}

test("one site by environment", async () => {
  const [, name, value, command] = /^(\w+)=(\S+) (npm start)$/.exec(blockWith("npm start"))!;
  const product = new Daemon(command.split(" "), {
    cwd: ROOT,
    env: { ...ENVIRONMENT, [name]: withServers(value) },
    quiet: true,
  });
  try {
    const both = ["10.0.0.1:3000", "10.0.0.2:3000"];
    expect(await answering(await started(product), "any.example", "/x", both)).toEqual(both);
  } finally {
    await product.stop();
  }
});

test("three sites by a file of at most fifteen lines", async () => {
  const yaml = blockWith("pools:");
  expect(yaml.split("\n").length).toBeLessThanOrEqual(15);
  writeFileSync(scratch.file("sites.yaml"), withServers(yaml));
  const [program, ...args] = blockWith("serve --config sites.yaml").split(" ");
  const product = new Daemon([join(ROOT, program), ...args], { cwd: scratch.path, env: ENVIRONMENT, quiet: true });
  try {
    const address = await started(product);
    const api = ["10.0.2.1:9000", "10.0.2.2:9000"];
    expect(await answering(address, "shop.example", "/x", ["", ""])).toEqual(["10.0.0.1:3000", "10.0.0.2:3000"]);
    expect(await answering(address, "blog.example", "/x", [""])).toEqual(["10.0.1.1:8080"]);
    expect(await answering(address, "api.example", "/x", api)).toEqual(api);
    const asked = await fetch(`${address}/api`, { headers: { host: "shop.example" } });
    expect(api).toContain(await asked.text());
    const moved = await fetch(`${address}/a?b`, { headers: { host: "www.blog.example" }, redirect: "manual" });
    expect([moved.status, moved.headers.get("location")]).toEqual([301, "http://blog.example/a?b"]);
    const unknown = await fetch(`${address}/x`, { headers: { host: "other.example" } });
    expect(unknown.status).toBe(404);
  } finally {
    await product.stop();
  }
});
