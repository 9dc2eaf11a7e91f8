/** The configuration file, as users name it, compare it, and change it under a running instance. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import type { CheckReport } from "../../../src/cli/check.ts";
import { Daemon, Scratch, spawnSync } from "../../support/processes.ts";
import { LAUNCHER, neurabalancer } from "./spawn.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const SERVERS = "servers: [http://127.0.0.1:1]\n";

function put(name: string, text: string): string {
  const path = scratch.file(name);
  writeFileSync(path, text);
  return path;
}

function report(args: readonly string[], env: Record<string, string> = {}, cwd = scratch.path): CheckReport {
  const { stdout, stderr } = neurabalancer(["check", "--json", ...args], env, cwd);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as CheckReport;
}

describe("which file is read", () => {
  put("a.yaml", `${SERVERS}app: {port: 7001}\n`);
  put("b.yaml", `${SERVERS}app: {port: 7002}\n`);
  const portOf = ({ settings }: CheckReport) => settings.find(({ env }) => env === "APP_PORT");

  test("CONFIG_FILE names it, and --config wins", () => {
    expect(portOf(report([], { CONFIG_FILE: "a.yaml" }))).toMatchObject({ value: "7001", origin: "a.yaml:2:13" });
    expect(portOf(report(["--config", "b.yaml"], { CONFIG_FILE: "a.yaml" }))?.value).toBe("7002");
    expect(portOf(report(["--config", "b.yaml"], { APP_PORT: "7003" }))).toMatchObject({
      value: "7003",
      origin: "environment",
    });
  });

  test(".env may name it, and wins over what it says", () => {
    mkdirSync(scratch.file("env"));
    put("env/.env", "CONFIG_FILE=../a.yaml\nWORKERS=3\n");
    const { settings } = report([], {}, scratch.file("env"));
    expect(settings.find(({ env }) => env === "APP_PORT")?.origin).toBe("../a.yaml:2:13");
    expect(settings.find(({ env }) => env === "WORKERS")?.origin).toBe(".env line 2");
  });

  test("none is picked up by itself, and that is said, also when the start fails", () => {
    mkdirSync(scratch.file("unread"));
    put("unread/neurabalancer.yaml", SERVERS);
    const { code, stderr } = neurabalancer(["serve"], {}, scratch.file("unread"));
    expect(code).toBe(1);
    expect(stderr).toContain("SERVERS: is required");
    expect(stderr).toContain("neurabalancer.yaml of this directory is not read: --config neurabalancer.yaml");
  });

  test("a file that is not there stops the start", () => {
    const { code, stderr } = neurabalancer(["serve", "--config", "none.yaml"], { SERVERS: "http://a:1" }, scratch.path);
    expect(code).toBe(1);
    expect(stderr).toContain("none.yaml: there is no such file");
  });
});

test("check shows values with their units and where they stand", () => {
  const path = put("units.yaml", `${SERVERS}timeouts: {connect: 1.5s}\n`);
  const { stdout } = neurabalancer(["check", "--config", path]);
  expect(stdout).toMatch(/CONNECT_TIMEOUT_MS +1500 \(1\.5s\) +\S*units\.yaml:2:21/);
});

test("check --changed leaves out what nobody has set", () => {
  const path = put("changed.yaml", `${SERVERS}timeouts: {connect: 1.5s}\n`);
  const { stdout } = neurabalancer(["check", "--changed", "--config", path]);
  expect(stdout).toMatch(/CONNECT_TIMEOUT_MS +1500/);
  expect(stdout).not.toMatch(/ default$/m);
  expect(stdout).toContain("The configuration can be used: 1 server.");
});

test("problems of files that settings name are told in the file's words", () => {
  const path = put("ca.yaml", `${SERVERS}upstream: {ca_file: /nowhere.pem}\n`);
  const { stderr } = neurabalancer(["check", "--config", path]);
  expect(stderr).toContain("upstream.ca_file: cannot read /nowhere.pem: there is no such file (upstream.ca_file is at");
  expect(stderr).toContain("ca.yaml:2:21)");
});

test("files without an end, and pipes that nobody writes to, hold nobody up", () => {
  const pipe = scratch.file("pipe");
  spawnSync(["mkfifo", pipe]);
  const path = put(
    "endless.yaml",
    `${SERVERS}upstream: {ca_file: /dev/zero}\nroutes: [{pool: default, error_pages: [{statuses: [404], file: ${pipe}}]}]\n`,
  );
  const { stderr } = neurabalancer(["check", "--config", path]);
  expect(stderr).toContain("upstream.ca_file: cannot read /dev/zero: is larger than 4096 KiB");
  expect(stderr).toContain("pipe: cannot be read: it is a pipe or a terminal, and nothing comes from it");
});

test("check --diff shows what differs from another file, and what of it needs a restart", () => {
  put("old.yaml", `servers: [http://a:1, {url: http://b:1, weight: 2}]\nadmin: {token: 0123456789abcdef}\n`);
  const path = put(
    "new.yaml",
    "servers: [http://b:1, http://c:1]\napp: {port: 81}\ntimeouts: {connect: 3s}\nadmin: {token: 0123456789abcdeF}\n",
  );
  const { code, stdout } = neurabalancer(["check", "--config", path, "--diff", "old.yaml"], {}, scratch.path);
  expect(code).toBe(0);
  expect(stdout).toContain(`What differs from old.yaml:
  SERVERS: + http://c:1 - http://a:1
  APP_PORT: 8080 → 81 (needs a restart)
  ADMIN_TOKEN: another value
  CONNECT_TIMEOUT_MS: 2000 → 3000
  SERVER_WEIGHT_b_1: 2 → unset
`);
  expect(stdout).not.toContain("0123456789");
  const same = neurabalancer(["check", "--config", path, "--diff", path]);
  expect(same.stdout).toContain(`Nothing differs from ${path}.`);
});

test.each([
  ["{port: 2}", "no admin port answers at http://127.0.0.1:2: connection refused"],
  ['{port: 2, host: "::"}', "no admin port answers at http://[::1]:2:"],
  ["{port: auto}", "ADMIN_PORT does not say where the running instance's admin port is: name it by --admin"],
])("check --diff asks the instance where its configuration has the admin port: %s", (admin, said) => {
  const path = put("admin.yaml", `${SERVERS}admin: ${admin}\n`);
  const { code, stderr } = neurabalancer(["check", "--config", path, "--diff"]);
  expect(stderr).toContain(said);
  expect(code).toBe(1);
});

test("a running instance reads it again as a whole or not at all, and says what changed", async () => {
  const token = "0123456789abcdef-secret";
  const text = (connect: string) =>
    `${SERVERS}app: {host: 127.0.0.1, port: 0, workers: 1}\nadmin: {port: auto, token: "\${TOKEN}"}\nlog: {access: off}\ntimeouts: {connect: ${connect}}\nstorage: {data_dir: ${scratch.file("data")}, keep_samples: off}\nhistory: {enabled: off}\n`;
  const path = put("live.yaml", text("2s"));
  const product = new Daemon([LAUNCHER, "serve", "--config", path], { env: { TOKEN: token } });
  try {
    await product.says(({ stderr }) => stderr.includes("balancing over"));
    const port = /"port":(\d+),"msg":"the admin API listens"/.exec(product.stderr)?.[1];
    const admin = ["--admin", `http://127.0.0.1:${port}`, "--token", token];
    put("live.yaml", text("3s"));
    const diff = () => report(["--config", path, "--diff", ...admin], { TOKEN: token }).diff;
    expect(diff()).toMatchObject({
      changes: [{ env: "CONNECT_TIMEOUT_MS", from: "2000", to: "3000", restart: false }],
      uncompared: ["ADMIN_TOKEN"],
    });

    put("live.yaml", `${text("4s")}nothing: 1\n`);
    product.process.kill("SIGHUP");
    await product.says(({ stderr }) => stderr.includes("the new configuration is rejected"));
    expect(product.stderr).toContain(`${path}:8:1: \\"nothing\\" is no section`);

    put("live.yaml", text("3s"));
    product.process.kill("SIGHUP");
    await product.says(({ stderr }) => stderr.includes("the new configuration is in force"));
    expect(product.stderr).toContain('"changes":["CONNECT_TIMEOUT_MS: 2000 → 3000"]');
    expect(diff()?.changes).toEqual([]);

    const kept = ["--config", path, "--keep", "false", ...admin];
    expect(neurabalancer(["settings", "set", "LB_STRATEGY=p2c", ...kept], { TOKEN: token }).code).toBe(0);
    expect(diff()).toMatchObject({
      changes: [],
      overridden: [{ env: "LB_STRATEGY", running: "p2c", configured: "least_connections" }],
    });
    const { stdout } = neurabalancer(["check", "--config", path, "--diff", ...admin], { TOKEN: token });
    expect(stdout).toMatch(/LB_STRATEGY: p2c \(override by .*\), configured: least_connections/);

    const unknown = neurabalancer(
      ["servers", "list", "--admin", `http://127.0.0.1:${port}`],
      {},
      scratch.file("unread"),
    );
    expect(unknown.stderr).toContain("asks for a token: set NEURABALANCER_TOKEN, or give --token");
    expect(product.stderr).not.toContain("secret");
  } finally {
    await product.stop();
  }
}, 120_000);
