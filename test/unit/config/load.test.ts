import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_ADMIN } from "../../../src/cli/admin-client.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { configuredOf } from "../../../src/config/overrides/configured.ts";
import { ALL_SETTINGS } from "../../../src/config/schema.ts";
import { toStoreLocation } from "../../../src/config/sections/storage.ts";
import { envFileSource } from "../../../src/config/sources/env-file.ts";
import { environmentSource } from "../../../src/config/sources/environment.ts";
import { DEFAULT_ACCESS_LOG_FIELDS } from "../../../src/shared/access-log-fields.ts";
import { configOf, load, problemsOf, TWO_SERVERS } from "../../support/configuration.ts";

describe("defaults", () => {
  test("the contract's defaults are in force when only SERVERS is set", () => {
    const config = configOf();
    expect(config.app).toMatchObject({
      environment: "development",
      host: "0.0.0.0",
      port: 8080,
      reservedPaths: true,
      fleetStatus: null,
      prometheusEnabled: true,
      workers: 0,
      shutdownTimeoutMs: 30_000,
    });
    expect(config.log).toEqual({
      level: "info",
      format: "json",
      access: true,
      accessFormat: null,
      accessFields: DEFAULT_ACCESS_LOG_FIELDS,
      accessFile: null,
      accessMaxBytes: 0,
      accessProbes: false,
      accessSample: 1,
    });
    expect(config.balancing.strategy).toBe("least_connections");
    expect(config.health).toMatchObject({ enabled: true, path: "/health", intervalMs: 5000, timeoutMs: 3000, fall: 3 });
    expect(config.timeouts).toEqual({
      connectMs: 2000,
      requestHeadMs: 10_000,
      requestBodyMs: 30_000,
      responseHeadMs: 30_000,
      responseBodyMs: 60_000,
      idleMs: 75_000,
      tunnelMs: 3_600_000,
    });
    expect(config.tls).toEqual({
      port: null,
      certFiles: null,
      keyFiles: null,
      minVersion: "1.2",
      ciphers: expect.stringMatching(/^ECDHE-ECDSA-AES128-GCM-SHA256:/),
      curves: null,
      clientAuth: "off",
      clientCaFile: null,
      clientCrlFile: null,
      redirect: false,
      hstsMs: 0,
    });
    expect(config.admin).toEqual({
      host: "127.0.0.1",
      port: 8090,
      token: null,
      tokens: null,
      allowedHosts: null,
      tlsCertFile: null,
      tlsKeyFile: null,
      tlsClientCaFile: null,
    });
  });

  test.each(["development", "staging", "production"])("APP_ENV may be %s", (environment) => {
    expect(configOf({ APP_ENV: environment }).app.environment).toBe(environment as "development");
  });

  test("every setting is described, named once and has a default of its own type", () => {
    const names = ALL_SETTINGS.map(({ setting }) => setting.env);
    expect(new Set(names).size).toBe(names.length);
    for (const { setting } of ALL_SETTINGS) {
      expect(setting.env).toMatch(/^[A-Z][A-Z0-9_]*$/);
      expect(setting.doc).toMatch(/[.]$/);
      if (setting.default !== null) expect(setting.type.schema.safeParse(setting.default).success).toBe(true);
    }
  });

  test("the configuration is frozen to its depths", () => {
    const config = configOf();
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.health)).toBe(true);
    expect(Object.isFrozen(config.servers.list)).toBe(true);
    expect(Object.isFrozen(config.servers.list[0])).toBe(true);
  });

  test("an empty value counts as unset", () => {
    expect(configOf({ APP_PORT: "", ADMIN_PORT: "  " })).toMatchObject({ app: { port: 8080 }, admin: { port: 8090 } });
  });
});

describe("the admin port", () => {
  test.each([
    ["1", 1],
    ["65535", 65_535],
    ["0", null],
    ["off", null],
    ["OFF", null],
    ["auto", 0],
  ])("ADMIN_PORT=%s", (text, port) => {
    expect(configOf({ ADMIN_PORT: text }).admin.port).toBe(port);
  });

  test.each(["-1", "65536", "00x", "on", "8090/tcp", "1e3", "80.5"])("ADMIN_PORT=%s is wrong", (text) => {
    expect(problemsOf({ ADMIN_PORT: text })[0]).toContain(
      "must be 0 or off for none, auto for any free one, or a port: a whole number from 1 to 65535",
    );
  });

  test("is where the command line looks for it", () => {
    expect(DEFAULT_ADMIN).toBe(`http://${configOf().admin.host}:${configOf().admin.port}`);
  });
});

describe("wrong values", () => {
  test.each([
    ["APP_PORT", "http", "must be a port: a whole number from 0 to 65535"],
    ["APP_PORT", "70000", "must be a port: a whole number from 0 to 65535"],
    ["APP_PORT", "tcp://10.0.0.1:80", "is an address that Kubernetes injects"],
    ["APP_HOST", "http://localhost", "must be an address to listen on"],
    ["APP_HOST", "256.1.1.1", "must be an address to listen on"],
    ["WORKERS", "1.5", "must be a whole number from 0 to 64"],
    ["WORKERS", "65", "must be a whole number from 0 to 64"],
    ["APP_ENV", "prod", "must be one of: development, staging, production"],
    ["APP_ENV", "my cluster", "must be one of: development, staging, production"],
    ["LOG_LEVEL", "loud", "must be one of: trace, debug, info, warn, error, fatal"],
    ["ACCESS_LOG", "maybe", "must be true or false"],
    ["ACCESS_LOG_SAMPLE", "1.1", "must be a number from 0 to 1"],
    ["SHUTDOWN_TIMEOUT_SECONDS", "-1", "must be seconds: a number from 0 to 3600"],
    ["CONNECT_TIMEOUT_MS", "2 s", "must be milliseconds: a whole number from 1 to"],
    ["HEALTH_CHECK_PATH", "health", 'must be a path that begins with "/"'],
    ["HEALTH_CHECK_PATH", "/a b", 'must be a path that begins with "/"'],
    ["LB_STRATEGY", "roundrobin", "is not a strategy of this version; did you mean round_robin? choose one of: "],
    [
      "LB_STRATEGY",
      "fastest_finger",
      "is not a strategy of this version; choose one of: round_robin, weighted_round_robin",
    ],
    ["HASH_ON", "header:", "must be client_ip, header:<name> or cookie:<name>"],
    ["MAX_HEADER_BYTES", "0", "must be a whole number from 1024 to 1048576"],
  ])("%s=%s: %s", (name, value, message) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`${name}=${JSON.stringify(value)} (environment): ${message}`);
  });

  test("all are listed at once, whatever their kind", () => {
    const problems = problemsOf({
      SERVERS: "backend:80",
      APP_PORT: "x",
      TLS_PORT: "8443",
      SERVER_WEIGHT_backend_80: "0",
    });
    expect(problems).toHaveLength(5);
    for (const name of ["SERVERS", "APP_PORT", "TLS_CERT_FILE", "TLS_KEY_FILE", "SERVER_WEIGHT_backend_80"]) {
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
    }
  });

  test("SERVERS is required, and the problem says what to write", () => {
    const loaded = loadConfig([environmentSource({})]);
    expect(loaded.ok).toBe(false);
    if (!loaded.ok)
      expect(loaded.problems).toEqual([expect.stringMatching(/^SERVERS: is required and is not set\. .*http:\/\//)]);
  });

  test("secrets are repeated neither in problems nor in what is in force", () => {
    const [problem] = problemsOf({ ADMIN_TOKEN: "hunter2" });
    expect(problem).toStartWith("ADMIN_TOKEN=**** (environment): must have 16 characters");
    const loaded = load({ ADMIN_TOKEN: "correct-horse-battery", DB_PASSWORD: "hunter2", DB_HOST: "db" });
    expect(loaded.ok).toBe(true);
    expect(JSON.stringify({ ...loaded, config: null })).not.toMatch(/correct-horse|hunter2/);
    if (loaded.ok) expect(loaded.config.admin.token).toBe("correct-horse-battery");
  });

  test("nor are queries of paths, which may hold one", () => {
    expect(problemsOf({ HEALTH_CHECK_PATH: "/up down?key=hunter2" }).join()).toContain('"/up down?****"');
    const loaded = load({
      HEALTH_CHECK_PATH: "/up?key=hunter2",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c/v1?key=hunter2",
    });
    if (!loaded.ok) throw new Error(loaded.problems.join());
    expect(loaded.config.health.path).toBe("/up?key=hunter2");
    expect(JSON.stringify(loaded.effective)).not.toContain("hunter2");
    const target = { pool: null, setting: "HEALTH_CHECK_PATH" };
    expect(configuredOf(loaded, { kind: "setting", target })).toMatchObject({
      kind: "gone",
      why: expect.stringContaining("may hold a secret"),
    });
  });
});

describe("contradictions", () => {
  test.each([
    [{ TLS_PORT: "8443", TLS_CERT_FILE: "a.pem" }, "TLS_KEY_FILE: is required by TLS_PORT"],
    [{ TLS_CERT_FILE: "a.pem", TLS_KEY_FILE: "a.key" }, "TLS_PORT: is not set although"],
    [
      { TLS_PORT: "8443", TLS_CERT_FILE: "a.pem,b.pem", TLS_KEY_FILE: "a.key" },
      "TLS_KEY_FILE: has 1 entries and TLS_CERT_FILE 2",
    ],
    [{ APP_PORT: "9000", ADMIN_PORT: "9000" }, "ADMIN_PORT: is the same as APP_PORT (9000)"],
    [{ APP_PORT: "8090" }, "ADMIN_PORT: is the same as APP_PORT (8090): choose another, or 0 for none"],
    [{ SERVERS: "http://localhost:8090" }, "SERVERS: http://localhost:8090 is this balancer's own admin port"],
    [
      { APP_PORT: "8443", TLS_PORT: "8443", TLS_CERT_FILE: "a", TLS_KEY_FILE: "b" },
      "TLS_PORT: is the same as APP_PORT (8443)",
    ],
    [{ DNS_MIN_TTL_SECONDS: "61" }, "DNS_MIN_TTL_SECONDS: is longer than DNS_MAX_TTL_SECONDS"],
    [{ SHUTDOWN_GRACE_SECONDS: "31" }, "SHUTDOWN_GRACE_SECONDS: is longer than SHUTDOWN_TIMEOUT_SECONDS"],
    [{ OUTLIER_BASE_EJECTION_SECONDS: "301" }, "OUTLIER_BASE_EJECTION_SECONDS: is longer than"],
    [{ HEALTH_CHECK_TYPE: "grpc" }, "HEALTH_CHECK_TYPE: cannot be grpc for http://"],
    [{ SERVERS: "h2c://localhost:8080" }, "SERVERS: h2c://localhost:8080 is this balancer itself (APP_PORT=8080)"],
    [{ SERVERS: "http://localhost:8080" }, "SERVERS: http://localhost:8080 is this balancer itself (APP_PORT=8080)"],
    [{ SERVERS: "http://[::1]", APP_HOST: "::", APP_PORT: "80" }, "http://[::1]:80 is this balancer itself"],
    [{ SERVERS: "http://10.0.0.1:8080", APP_HOST: "10.0.0.1" }, "http://10.0.0.1:8080 is this balancer itself"],
    [
      { SERVERS: "https://127.0.0.1", TLS_PORT: "443", TLS_CERT_FILE: "a", TLS_KEY_FILE: "b" },
      "SERVERS: https://127.0.0.1:443 is this balancer itself (TLS_PORT=443)",
    ],
  ] as [Record<string, string>, string][])("%j", (env, message) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(message)]);
  });

  test("ports that cannot meet are no clash: 0, and different addresses", () => {
    expect(problemsOf({ APP_PORT: "0", ADMIN_PORT: "auto" })).toEqual([]);
    expect(problemsOf({ APP_PORT: "8090", ADMIN_PORT: "0" })).toEqual([]);
    expect(problemsOf({ APP_HOST: "10.0.0.1", APP_PORT: "9000", ADMIN_PORT: "9000" })).toEqual([]);
  });

  test.each([
    { SERVERS: "http://10.0.0.1:8080" },
    { SERVERS: "http://localhost:8081" },
    { SERVERS: "http://localhost", APP_HOST: "10.0.0.1", APP_PORT: "80" },
    { SERVERS: "http://127.0.0.2:8080", APP_HOST: "127.0.0.1" },
    { SERVERS: "http://[::1]:8080", APP_HOST: "0.0.0.0" },
    { SERVERS: "https://localhost:8080" },
  ] as Record<string, string>[])("%j names another server, not this balancer", (env) => {
    expect(problemsOf(env)).toEqual([]);
  });

  test.each([
    [{ HEALTH_CHECK_TIMEOUT_SECONDS: "6" }, "HEALTH_CHECK_TIMEOUT_SECONDS is longer than"],
    [{ HEALTH_CHECK_GRPC_SERVICE: "shop.v1.Orders" }, "HEALTH_CHECK_GRPC_SERVICE has no effect"],
    [{ HASH_ON: "cookie:sid" }, "HASH_ON has no effect: only LB_STRATEGY=consistent_hash uses it"],
    [{ ADMIN_HOST: "0.0.0.0", ADMIN_PORT: "9090" }, "there is no token: only metrics and health"],
    [
      { ACCESS_LOG_FIELDS: "-remote_ip", ACCESS_LOG_FORMAT: "combined" },
      "ACCESS_LOG_FIELDS has no effect: ACCESS_LOG_FORMAT is combined, and fields are chosen for json alone",
    ],
    [{ ACCESS_LOG_FIELDS: "ts,path", LOG_FORMAT: "text" }, "ACCESS_LOG_FIELDS has no effect: LOG_FORMAT is text"],
  ] as [Record<string, string>, string][])("%j only warns", (env, message) => {
    const loaded = load(env);
    expect(loaded.ok).toBe(true);
    expect(loaded.warnings).toEqual([expect.stringContaining(message)]);
  });
});

test("fields of the access log are chosen for nothing only where lines have none", () => {
  const warningsOf = (env: Record<string, string>) => load({ ACCESS_LOG_FIELDS: "ts,path", ...env }).warnings;
  expect(warningsOf({})).toEqual([]);
  expect(warningsOf({ LOG_FORMAT: "text", ACCESS_LOG_FORMAT: "json" })).toEqual([]);
  expect(warningsOf({ LOG_FORMAT: "text", ACCESS_LOG: "off" })).toEqual([]);
  expect(warningsOf({ LOG_FORMAT: "text", ACCESS_LOG_FIELDS: "default" })).toEqual([]);
});

describe("features that this version does not have", () => {
  test("are reported once each, with all that was set of them, and ignored", () => {
    const loaded = load({
      OTEL_ATTRIBUTE_COUNT_LIMIT: "9",
      OTEL_SPAN_LINK_COUNT_LIMIT: "7",
      OTEL_CONFIG_FILE: "otel.yaml",
    });
    expect(loaded.ok).toBe(true);
    expect(loaded.warnings).toEqual([
      "OTEL_CONFIG_FILE: a configuration file of OpenTelemetry is not supported by this version: ignored",
      "OTEL_ATTRIBUTE_COUNT_LIMIT, OTEL_SPAN_LINK_COUNT_LIMIT: a limit of what spans count is not supported by this version: ignored",
    ]);
  });

  test("defaults, and other standard OTEL_* names, ask for nothing", () => {
    const loaded = load({
      OTEL_ATTRIBUTE_COUNT_LIMIT: "128",
      OTEL_SPAN_LINK_COUNT_LIMIT: "128",
      OTEL_METRICS_EXPORTER: "otlp",
    });
    expect(loaded.ok && loaded.warnings).toEqual([]);
  });
});

describe("a database", () => {
  const HOST = { DB_HOST: "db.internal" };

  test("needs a password, and says what to do where the server asks for none", () => {
    const loaded = load(HOST);
    expect(loaded.ok ? [] : loaded.problems).toEqual([
      "DB_PASSWORD: is required by DB_HOST; where the server asks for none (trust, peer), any text does, such as DB_PASSWORD=none",
    ]);
    expect(load({ ...HOST, DB_PASSWORD: "p" }).ok).toBe(true);
  });

  test.each([
    [{ DB_PASSWORD: "s3cret" }, "DB_PASSWORD has no effect: DB_HOST is not set"],
    [{ ...HOST, DB_PASSWORD: "p", DB_SSLROOTCERT: "ca.pem", DB_SSLMODE: "require" }, "DB_SSLROOTCERT has no effect"],
    [{ ...HOST, DB_PASSWORD: "p", DB_MAX_OPEN_CONNS: "2" }, "DB_MAX_OPEN_CONNS=2: an instance takes 5 at times"],
  ])("%j: a warning", (settings, warning) => {
    const loaded = load(settings as Record<string, string>);
    expect(loaded.ok && loaded.warnings).toEqual([expect.stringContaining(warning)]);
    expect(JSON.stringify(loaded.warnings)).not.toContain("s3cret");
  });

  test("is where the store is then; its password is shown to nobody", () => {
    const loaded = load({ ...HOST, DB_PASSWORD: "s3cret", INSTANCE_NAME: "edge-1", DB_SSLMODE: "verify-full" });
    if (!loaded.ok) throw new Error(loaded.problems.join());
    const wanted = {
      kind: "postgres",
      host: "db.internal",
      password: "s3cret",
      instance: "edge-1",
      sslMode: "verify-full",
    };
    expect(toStoreLocation(loaded.config)).toMatchObject(wanted);
    expect(JSON.stringify(loaded.effective)).not.toContain("s3cret");
  });

  test("unset: files below DATA_DIR", () => {
    const loaded = load({ DATA_DIR: "/data" });
    expect(loaded.ok && toStoreLocation(loaded.config)).toEqual({ kind: "sqlite", directory: "/data" });
  });
});

describe("misspelt names", () => {
  test.each([
    ["HEALTH_CHECK_INTERVALL_SECONDS", "HEALTH_CHECK_INTERVAL_SECONDS"],
    ["LB_STRATGEY", "LB_STRATEGY"],
    ["SERVER", "SERVERS"],
    ["app_port", "APP_PORT"],
    ["MAX_BODY_BYTE", "MAX_BODY_BYTES"],
    ["OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"],
    ["OTEL_EXPORTER_OTLP_ENDPONT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
  ])("%s: did you mean %s?", (name, meant) => {
    const loaded = load({ [name]: "1" });
    expect(loaded.ok && loaded.warnings).toEqual([`${name} (environment): is no setting; did you mean ${meant}?`]);
  });

  test.each([
    "PATH",
    "HOME",
    "HOSTNAME",
    "USER",
    "PORT",
    "BACKEND_HOST",
    "NODE_ENV",
    "APP_NAME",
    "LOGNAME",
    "TLS",
    "SSL_CERT_FILE",
    "OTEL_LOGS_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_JAVA_DISABLED",
  ])("%s is somebody else's name", (name) => {
    const loaded = load({ [name]: "1" });
    expect(loaded.ok && loaded.warnings).toEqual([]);
  });
});

describe("the .env file", () => {
  function withFile<T>(content: string, use: (path: string) => T): T {
    const directory = mkdtempSync(join(tmpdir(), "neurabalancer-env-"));
    try {
      const path = join(directory, ".env");
      writeFileSync(path, content);
      return use(path);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  test("fills in what the environment leaves open, and the environment wins", () => {
    withFile(`SERVERS=${TWO_SERVERS}\nAPP_PORT=9000\nWORKERS=3\nLOG_LEVEL=debug\n`, (path) => {
      const loaded = loadConfig([environmentSource({ APP_PORT: "9001", WORKERS: "" }), envFileSource(path)]);
      if (!loaded.ok) throw new Error(loaded.problems.join());
      expect(loaded.config.app).toMatchObject({ port: 9001, workers: 3 });
      const origin = (name: string) => loaded.effective.find(({ env }) => env === name)?.origin;
      expect(origin("APP_PORT")).toBe("environment");
      expect(origin("WORKERS")).toBe(`${path} line 3`);
      expect(origin("LOG_FORMAT")).toBe("default");
    });
  });

  test("a wrong value is found by its line, and a misspelt name stops the start", () => {
    withFile(`SERVERS=${TWO_SERVERS}\n\nAPP_PORT=x\nLB_STRATGEY=random\nnonsense\n`, (path) => {
      const loaded = loadConfig([environmentSource({}), envFileSource(path)]);
      expect(loaded.ok || loaded.problems).toEqual([
        `${path} line 5: has no "=": write NAME=value, or begin a comment with #`,
        `APP_PORT="x" (${path} line 3): must be a port: a whole number from 0 to 65535`,
        `LB_STRATGEY (${path} line 4): is no setting; did you mean LB_STRATEGY?`,
      ]);
    });
  });

  test("a name that is no setting, and like none, is told in a warning: other programs may read the file", () => {
    withFile(`SERVERS=${TWO_SERVERS}\nLB_ALGORITHM=rr\nPOSTGRES_PASSWORD=hunter2\nBACKEND_PORT=1\n`, (path) => {
      const loaded = loadConfig([environmentSource({ LB_POLICY: "rr" }), envFileSource(path)]);
      expect(loaded).toMatchObject({
        ok: true,
        warnings: [
          `no settings, and ignored: LB_ALGORITHM (${path} line 2; there is LB_STRATEGY), POSTGRES_PASSWORD (${path} line 3)`,
        ],
      });
    });
  });

  test("may be missing, unless it was asked for", () => {
    const env = { SERVERS: TWO_SERVERS };
    expect(loadConfig([environmentSource(env), envFileSource("/nonexistent/.env")]).ok).toBe(true);
    const asked = loadConfig([environmentSource(env), envFileSource("/nonexistent/.env", true)]);
    expect(asked.ok || asked.problems).toEqual(["/nonexistent/.env: there is no such file"]);
  });

  test("that cannot be read is a problem, not a missing file", () => {
    const loaded = loadConfig([environmentSource({ SERVERS: TWO_SERVERS }), envFileSource(tmpdir())]);
    expect(loaded.ok || loaded.problems).toEqual([expect.stringContaining("cannot be read")]);
  });
});
