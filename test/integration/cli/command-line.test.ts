import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../../package.json";
import type { CheckReport } from "../../../src/cli/check.ts";
import { spawn } from "../../support/processes.ts";
import { LAUNCHER, neurabalancer, run } from "./spawn.ts";

const SERVERS = "http://127.0.0.1:8001,http://backend-1:8002";
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-cli-"));
  writeFileSync(join(directory, ".env"), `SERVERS=${SERVERS}\nAPP_PORT=9000\nADMIN_TOKEN=correct-horse-battery\n`);
  writeFileSync(join(directory, "other.env"), `SERVERS=http://other:1\n`);
  // What a user's directory may hold, and what must not run inside the product.
  writeFileSync(join(directory, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(directory, "preload.ts"), 'console.log("preloaded"); process.exit(3);\n');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("help", () => {
  test("--help teaches: commands, examples, where settings come from, exit codes", () => {
    const { code, stdout } = neurabalancer(["--help"]);
    expect(code).toBe(0);
    for (const part of [
      "serve",
      "check",
      "demo",
      "backend",
      "model-server",
      "explain",
      "Examples:",
      "Settings:",
      ".env",
      "Exit codes:",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).not.toContain("worker ");
  });

  test("serve --help names the signals", () => {
    const { code, stdout } = neurabalancer(["serve", "--help"]);
    expect(code).toBe(0);
    for (const part of ["SIGTERM", "SIGHUP", "--env-file", "Exit codes:"]) expect(stdout).toContain(part);
  });

  test("model-server --help names the endpoints and the signals", () => {
    const { code, stdout } = neurabalancer(["model-server", "--help"]);
    expect(code).toBe(0);
    for (const part of ["/predict", "/reload", "MODEL_PATH", "SIGTERM", "Exit codes:"]) expect(stdout).toContain(part);
  });

  test("--version is the package's", () => {
    expect(neurabalancer(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  test.each([
    [["chek"], "Did you mean check?"],
    [["check", "--resolv"], "Did you mean --resolve?"],
    [["serve", "sites.yaml"], "or in a configuration file:  neurabalancer serve --config neurabalancer.yaml"],
    [["check", "sites.yaml"], "a file is named by --config: neurabalancer check --config neurabalancer.yaml"],
    [["serve", "http://10.0.0.5:3000"], "Settings are environment variables or stand in .env:  SERVERS=http://"],
    [["serve", "--port", "80"], "APP_PORT=8080 neurabalancer serve"],
    [[], "nothing to serve: neither SERVERS nor CONFIG_FILE is set"],
  ])("%j is wrong usage: exit 1, and what was meant", (args, message) => {
    const { code, stdout, stderr } = neurabalancer(args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });
});

test("what goes to standard error is not painted, also where colours are wanted", () => {
  const { stderr } = neurabalancer(["check"], { FORCE_COLOR: "1" });
  expect(stderr).toContain("SERVERS: is required");
  expect(stderr).not.toContain("\x1b");
});

test.skipIf(!existsSync("/dev/full"))("an output that cannot be kept is no success", () => {
  for (const args of ["--help", "--version", "check", "check --json"]) {
    const env = { SERVERS: "http://127.0.0.1:1", LAUNCHER };
    const { code, stderr } = run("bash", ["-c", `"$LAUNCHER" ${args} >/dev/full`], env);
    expect(stderr).toContain("standard output cannot be written: ENOSPC");
    expect(code).toBe(1);
  }
});

test("a reader that is gone is no failure", () => {
  const script = '"$LAUNCHER" --help | true; echo "$PIPESTATUS"';
  expect(run("bash", ["-c", script], { LAUNCHER })).toEqual({ code: 0, stdout: "0\n", stderr: "" });
});

describe("check", () => {
  test("shows every setting with where it comes from, secrets hidden", () => {
    const { code, stdout, stderr } = neurabalancer(["check"], { WORKERS: "2" }, directory);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Servers\n {2}SERVERS +http:\/\/127\.0\.0\.1:8001,http:\/\/backend-1:8002 +\.env line 1$/m);
    expect(stdout).toMatch(/^ {2}APP_PORT +9000 +\.env line 2$/m);
    expect(stdout).toMatch(/^ {2}WORKERS +2 +environment$/m);
    expect(stdout).toMatch(/^ {2}ADMIN_PORT +8090 +default$/m);
    expect(stdout).toMatch(/^ {2}ADMIN_TOKEN +\*{4} +\.env line 3$/m);
    expect(stdout).not.toContain("correct-horse");
    expect(stdout).toEndWith("The configuration can be used: 2 servers.\n");
  });

  test("says where limits are learned: by default where ml balances", () => {
    const said = (env: Record<string, string>) => neurabalancer(["check", "--changed"], { SERVERS, ...env }).stdout;
    const line = "How many requests each server works on at once is learned in the pool default";
    expect(said({ LB_STRATEGY: "ml" })).toContain(line);
    expect(said({ LB_STRATEGY: "ml", CONCURRENCY_LIMITS: "off" })).not.toContain(line);
    expect(said({ LB_STRATEGY: "random" })).not.toContain(line);
    expect(said({ LB_STRATEGY: "random", CONCURRENCY_LIMITS: "learned" })).toContain(line);
    const { code, stderr } = neurabalancer(["check"], { SERVERS, CONCURRENCY_LIMITS: "on" });
    expect([code, stderr]).toEqual([1, expect.stringContaining("must be one of: off, learned")]);
  });

  test("lists every problem and exits with 1", () => {
    const { code, stdout, stderr } = neurabalancer(["check"], { SERVERS: "a:1,b:1", APP_PORT: "x" });
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toStartWith("neurabalancer: the configuration has 3 problems:\n  - SERVERS (environment): entry 1");
  });

  test("finds wrong TLS files as well, and still shows what is in force", () => {
    const env = { SERVERS, TLS_PORT: "8443", TLS_CERT_FILE: "/nonexistent.pem", TLS_KEY_FILE: "/nonexistent.key" };
    const { code, stdout, stderr } = neurabalancer(["check"], env);
    expect(code).toBe(1);
    expect(stdout).toContain("TLS_PORT");
    expect(stderr).toContain("TLS_CERT_FILE: cannot read /nonexistent.pem: there is no such file");
  });

  test("prints warnings, and what is ignored", () => {
    const { code, stdout } = neurabalancer(["check"], {
      SERVERS,
      OTEL_CONFIG_FILE: "otel.yaml",
      OTEL_EXPERIMENTAL_CONFIG_FILE: "http://user:hunter2@collector/otel.yaml",
    });
    expect(code).toBe(0);
    expect(stdout).toContain(
      "Warning: OTEL_CONFIG_FILE, OTEL_EXPERIMENTAL_CONFIG_FILE: a configuration file of OpenTelemetry is not supported by this version: ignored",
    );
    expect(stdout).toMatch(
      /^Ignored by this version\n {2}OTEL_CONFIG_FILE +otel.yaml +environment\n {2}OTEL_EXPERIMENTAL_CONFIG_FILE +\*{4} +environment$/m,
    );
    expect(stdout).not.toContain("hunter2");
  });

  test("warns of a database that does not answer, and tells no password", () => {
    // Nothing listens on port 1.
    const env = { SERVERS, DB_HOST: "127.0.0.1", DB_PORT: "1", DB_PASSWORD: "hunter2" };
    const { code, stdout, stderr } = neurabalancer(["check"], env);
    expect(code).toBe(0);
    expect(stdout).toContain("Warning: DB_HOST: PostgreSQL 127.0.0.1:1/neurabalancer: nothing answers there");
    expect(stdout).toMatch(/^ {2}DB_PASSWORD +\*{4} +environment$/m);
    expect(stdout + stderr).not.toContain("hunter2");
  });

  test("warns of a DATA_DIR in which nothing can be kept", () => {
    const env = { SERVERS, DATA_DIR: join(directory, ".env/data") };
    const { code, stdout } = neurabalancer(["check"], env);
    expect(code).toBe(0);
    const warning =
      "^Warning: DATA_DIR: .*\\.env.*: a file is in the way \\(ENOTDIR\\): what is learned would be kept in memory only";
    expect(stdout).toMatch(new RegExp(`${warning}, and of what happens no more than has room there$`, "m"));
    expect(neurabalancer(["check"], { ...env, HISTORY: "off" }).stdout).toMatch(new RegExp(`${warning}$`, "m"));
    expect(stdout).toMatch(/^Storage\n {2}DATA_DIR +\S+ +environment$/m);
  });

  test("--env-file reads that file instead; it must exist", () => {
    expect(neurabalancer(["check", "--env-file", "other.env"], {}, directory).stdout).toContain("other.env line 1");
    const missing = neurabalancer(["check", "--env-file", "missing.env"], { SERVERS }, directory);
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toContain("missing.env: there is no such file");
  });

  test("--json is for machines, in success and in failure", () => {
    const good = neurabalancer(["check", "--json"], {}, directory);
    expect(good.code).toBe(0);
    const report = JSON.parse(good.stdout) as CheckReport;
    expect(report).toMatchObject({ ok: true, problems: [], warnings: [] });
    expect(report.servers.map(({ url }) => url)).toEqual(SERVERS.split(","));
    expect(report.settings).toContainEqual({
      section: "admin",
      env: "ADMIN_TOKEN",
      value: "****",
      origin: ".env line 3",
    });
    const bad = neurabalancer(["check", "--json"]);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      problems: [expect.stringContaining("SERVERS: is required")],
    });
  });

  test("--resolve looks names up: addresses, or a problem for each name without one", () => {
    const good = neurabalancer(["check", "--resolve"], { SERVERS: "http://localhost:1,http://127.0.0.2:1" });
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/^http:\/\/localhost:1 is .*(127\.0\.0\.1|::1)/m);
    const bad = neurabalancer(["check", "--resolve"], { SERVERS: "http://no-such-name.invalid:1" });
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("SERVERS: http://no-such-name.invalid:1: cannot be resolved");
  });
});

describe("serve", () => {
  test("refuses to start with a wrong configuration: every problem on standard error, exit 1", () => {
    const { code, stdout, stderr } = neurabalancer(["serve"], { APP_PORT: "x", LOG_FORMAT: "text" });
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("the configuration has 2 problems:\n  - SERVERS: is required");
    expect(stderr).toContain('\n  - APP_PORT="x" (environment): must be a port');
  });

  test.each<[Record<string, string>]>([[{}], [{ LOG_FORMAT: "json" }], [{ LOG_FORMAT: "jsom" }]])(
    "says so in JSON to whoever collects logs: %p",
    (env) => {
      const { code, stderr } = neurabalancer(["serve"], { APP_PORT: "x", ...env });
      expect(code).toBe(1);
      const lines = stderr.trimEnd().split("\n");
      const said = lines.map((line) => JSON.parse(line) as { level: string; msg: string; process: string });
      expect(said.every(({ level, process }) => level === "error" && process === "supervisor")).toBe(true);
      expect(said[0].msg).toStartWith("SERVERS: is required");
      expect(said.some(({ msg }) => msg.startsWith('APP_PORT="x" (environment): must be a port'))).toBe(true);
      expect(said.at(-1)).toMatchObject({ msg: "the configuration is wrong: nothing was started" });
    },
  );

  test.each([
    ["serve", "supervisor", ["--nonsense"], {}, "unknown option '--nonsense'"],
    ["serve", "supervisor", ["sites.yaml"], {}, "too many arguments"],
    ["model-server", "model-server", ["--nonsense"], {}, "unknown option '--nonsense'"],
    ["model-server", "model-server", [], { ML_SERVICE_PORT: "x" }, "ML_SERVICE_PORT"],
  ] as const)("LOG_FORMAT=json: whatever %s says is JSON (%s, %j %j)", (command, name, args, env, said) => {
    const { code, stdout, stderr } = neurabalancer([command, ...args], { LOG_FORMAT: "json", ...env });
    expect([code, stdout]).toEqual([1, ""]);
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const { level, process } of lines) expect([level, process]).toEqual(["error", name]);
    expect(lines.some(({ msg }) => msg.includes(said))).toBe(true);
  });

  test("ACCESS_LOG_FILE that cannot be written to stops the start", () => {
    const env = { SERVERS: "http://127.0.0.1:1", ACCESS_LOG_FILE: "/no/such/directory/access.log" };
    const { code, stderr } = neurabalancer(["check"], env);
    expect(code).toBe(1);
    expect(stderr).toContain("ACCESS_LOG_FILE: /no/such/directory/access.log cannot be made: there is no directory");
  });
});

describe("the launcher", () => {
  test("works through links, as npm makes them", () => {
    const first = join(directory, "first-link");
    const second = join(directory, "second-link");
    symlinkSync(LAUNCHER, first);
    symlinkSync("first-link", second);
    expect(run(second, ["--version"]).stdout).toBe(`${version}\n`);
  });

  test("hands on names that shells drop", () => {
    const { stdout } = neurabalancer(["check"], { SERVERS, "SERVER_WEIGHT_backend-1_8002": "7" });
    expect(stdout).toMatch(/SERVER_WEIGHT_backend-1_8002 +7 +environment/);
  });

  test("hands arguments on as they are", () => {
    const { stderr } = neurabalancer(["check", "--env-file", "a b  c*"], {}, directory);
    expect(stderr).toContain("a b  c*: there is no such file");
  });

  test("is replaced by the product: the process id stays, so signals arrive", async () => {
    const child = spawn([LAUNCHER, "backend", "--port", "0"], {
      cwd: "/",
      env: { PATH: process.env.PATH },
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      const reader = child.stdout.getReader();
      let text = "";
      while (!text.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) break;
        text += new TextDecoder().decode(value);
      }
      expect(text).toContain(`pid ${child.pid}`);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("says what to do when Bun is missing", () => {
    const copy = join(directory, "copy/bin");
    run("/bin/mkdir", ["-p", copy]);
    run("/bin/cp", [LAUNCHER, copy]);
    const { code, stderr } = run(join(copy, "neurabalancer"), []);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^neurabalancer: Bun is not installed\. Run this first: .*npm install\n$/);
  });
});
