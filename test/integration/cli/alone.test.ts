/** `neurabalancer` without a command: serves where it is said what, and says what to do where it is not. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { KEEPS_NOTHING } from "../../support/configuration.ts";
import { Daemon, Scratch } from "../../support/processes.ts";
import { LAUNCHER, neurabalancer } from "./spawn.ts";

const scratch = new Scratch();
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
const SERVERS = `http://127.0.0.1:${server.port}`;
const ENVIRONMENT = {
  ...KEEPS_NOTHING,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "1",
  ACCESS_LOG: "off",
};

afterAll(async () => {
  await server.stop(true);
  scratch.remove();
});

/** A directory of its own to start in, with these files. */
function directory(name: string, files: Record<string, string> = {}): string {
  mkdirSync(scratch.file(name));
  for (const [file, text] of Object.entries(files)) writeFileSync(scratch.file(`${name}/${file}`), text);
  return scratch.file(name);
}

test.each([
  ["SERVERS", { SERVERS }, {}],
  ["SERVERS in .env", {}, { ".env": `SERVERS=${SERVERS}\n` }],
  ["CONFIG_FILE", { CONFIG_FILE: "sites.yaml" }, { "sites.yaml": `servers: [${SERVERS}]\n` }],
])("serves by %s", async (name, env, files) => {
  const product = new Daemon([LAUNCHER], {
    cwd: directory(name.replaceAll(/\W/g, "-"), files),
    env: { ...ENVIRONMENT, ...env },
    quiet: true,
  });
  try {
    const port = await product.says(({ stderr }) => /balancing over [^"]*on port (\d+)/.exec(stderr)?.[1]);
    expect(await (await fetch(`http://127.0.0.1:${port}/x`)).text()).toBe("here");
  } finally {
    expect(await product.stop()).toBe(0);
  }
});

test("says what to do where nothing says what to serve: exit 1", () => {
  for (const [name, env] of Object.entries<Record<string, string>>({ unset: {}, empty: { SERVERS: "" } })) {
    const { code, stdout, stderr } = neurabalancer([], env, directory(name));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    for (const part of ["SERVERS=http://", "serve --config", "neurabalancer demo", "--help"])
      expect(stderr).toContain(part);
  }
});

test("says so as a line of the log where that is JSON", () => {
  const { code, stderr } = neurabalancer([], { LOG_FORMAT: "json" }, directory("json"));
  expect(code).toBe(1);
  expect(JSON.parse(stderr)).toMatchObject({ level: "error", msg: expect.stringContaining("nothing to serve") });
});

test("a .env that cannot be read is told of, not passed over", () => {
  const place = directory("unreadable");
  mkdirSync(`${place}/.env`);
  const { code, stderr } = neurabalancer([], {}, place);
  expect(code).toBe(1);
  expect(stderr).toContain(".env");
  expect(stderr).not.toContain("nothing to serve");
});

test("what is wrong with the settings is said as by serve", () => {
  const { code, stderr } = neurabalancer([], { SERVERS: "a:1", APP_PORT: "x", LOG_FORMAT: "text" }, directory("wrong"));
  expect(code).toBe(1);
  expect(stderr).toContain("APP_PORT");
});
