/** Limits as the file and `RATE_LIMITS` have them, and what is said of wrong ones. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../../src/config/load.ts";
import { rate } from "../../../../src/config/rate-limits/values.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import { yamlFileSource } from "../../../../src/config/sources/yaml/source.ts";
import { describeRate } from "../../../../src/protocol/rate-limit.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-limits-"));
afterAll(() => rmSync(directory, { recursive: true }));

const FILE = `pools:
  shop: {servers: [http://a:1]}
  api: {servers: [http://b:1]}
routes:
  - {name: login, path: /login, pool: shop}
  - {name: rest, pool: api}
`;

function load(limits: string, env: Record<string, string> = {}) {
  const path = join(directory, "sites.yaml");
  writeFileSync(path, FILE + limits);
  return loadConfig([environmentSource(env), yamlFileSource(path, () => undefined)]);
}

function limitsOf(limits: string, env: Record<string, string> = {}) {
  const loaded = load(limits, env);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config.rateLimits;
}

function problemsOf(limits: string, env: Record<string, string> = {}): readonly string[] {
  const loaded = load(limits, env);
  return loaded.ok ? [] : loaded.problems.map((problem) => problem.replaceAll(directory, ""));
}

describe("a limit", () => {
  test("has what it says, and defaults for the rest", () => {
    expect(limitsOf("rate_limits: {clients: {rate: 100/s, key: client_ip}}")).toEqual([
      {
        name: "clients",
        mode: "enforce",
        quota: { kind: "rate", requests: 100, periodMs: 1000, burst: 100 },
        key: [{ kind: "client_ip" }],
        routes: [],
        pools: [],
        clients: [],
        exempt: [],
        ipv4Prefix: 32,
        ipv6Prefix: 64,
        maxKeys: 65_536,
        whenFull: "forget",
        fields: true,
        shared: null,
      },
    ]);
    const [all] = limitsOf(`rate_limits:
  all:
    rate: 5/10m
    burst: 2
    key: [client_ip, route, pool, 'header:X-User', 'api_key:X-Api-Key', 'cookie:Session']
    routes: [login, rest]
    pools: shop
    clients: [10.0.0.0/8, '2001:db8::/32']
    exempt: 10.1.2.3
    mode: dry_run
    ipv4_prefix: 24
    ipv6_prefix: 56
    max_keys: 100000
    when_full: refuse
    fields: off
`);
    expect(all).toEqual({
      name: "all",
      mode: "dry_run",
      quota: { kind: "rate", requests: 5, periodMs: 600_000, burst: 2 },
      key: [
        { kind: "client_ip" },
        { kind: "route" },
        { kind: "pool" },
        { kind: "header", name: "x-user" },
        { kind: "api_key", name: "x-api-key" },
        { kind: "cookie", name: "Session" },
      ],
      routes: ["login", "rest"],
      pools: ["shop"],
      clients: ["10.0.0.0/8", "2001:db8::/32"],
      exempt: ["10.1.2.3/32"],
      ipv4Prefix: 24,
      ipv6Prefix: 56,
      maxKeys: 131_072,
      whenFull: "refuse",
      fields: false,
      shared: null,
    });
    const [uploads] = limitsOf("rate_limits: {uploads: {concurrent: 4}}");
    expect([uploads.quota, uploads.whenFull]).toEqual([{ kind: "concurrent", requests: 4 }, "allow"]);
  });

  test("is shared where there is a Redis", () => {
    const env = { REDIS_ADDR: "redis.internal" };
    const shared = limitsOf(
      "rate_limits: {a: {rate: 1/s, shared: on}, b: {rate: 1/s, shared: on, when_away: open, advance: 30}}",
      env,
    );
    expect(shared.map((limit) => limit.shared)).toEqual([
      { whenAway: "local", advancePercent: 10 },
      { whenAway: "open", advancePercent: 30 },
    ]);
    const [places] = limitsOf("rate_limits: {a: {concurrent: 5, shared: on, when_away: closed, advance: 0}}", env);
    expect([places.quota.kind, places.shared]).toEqual(["concurrent", { whenAway: "closed", advancePercent: 0 }]);
    expect(limitsOf("rate_limits: {a: {rate: 1000/s, burst: 50, shared: on}}", env)).toHaveLength(1);
    expect(problemsOf("rate_limits: {a: {rate: 1000/s, burst: 49, shared: on}}", env)).toEqual([
      expect.stringContaining("must have a burst of at least 50 to be shared"),
    ]);
  });

  test.each([
    ["{rate: 100}", "rate_limits.a.rate"],
    ["{rate: 0/s}", "For nobody to pass there are routes"],
    ["{rate: 2000000/s}", "must be at most 1000000 requests in a period"],
    ["{rate: 1/31d}", "must have a period of 1s to 30d"],
    ["{rate: 5/100ms}", "must be requests in a period"],
    ["{rate: 5/s, concurrent: 2}", "must have either rate, such as 100/s, or concurrent"],
    ["{key: client_ip}", "must have either rate, such as 100/s, or concurrent"],
    ["{concurrent: 2, burst: 3}", "has no effect beside concurrent"],
    ["{concurrent: 2, when_full: forget}", "cannot be forget"],
    ["{rate: 5/s, key: ip}", "must be client_ip, route, pool, header:<name>"],
    ["{rate: 5/s, key: 'header:'}", "such as header:X-User"],
    ["{rate: 5/s, routes: [loggin]}", "did you mean login?"],
    ["{rate: 5/s, pools: [shops]}", "did you mean shop?"],
    ["{rate: 5/s, exempt: []}", "is empty: remove it, or write some"],
    ["{rate: 5/s, exempt: [all]}", "must be an address or a CIDR range"],
    ["{rate: 5/s, key: route, ipv6_prefix: 48}", "has no effect: the key has no address in it"],
    ["{rate: 5/s, max_keys: 10}", "must be a whole number from 64 to 1048576"],
    ["{rate: 5/s, limit: 3}", "limit"],
    ["{rate: 5/s, shared: on}", "needs REDIS_ADDR"],
    ["{rate: 5/s, when_away: open}", "has no effect without shared: on"],
    ["{rate: 5/s, advance: 20}", "has no effect without shared: on"],
  ])("%s: is told what is wrong", (text, complaint) => {
    const problems = problemsOf(`rate_limits: {a: ${text}}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(complaint);
    expect(problems[0]).toMatch(/sites\.yaml:7:\d+/);
  });
});

describe("RATE_LIMITS", () => {
  test("says in one line what the file does", () => {
    const line =
      "clients rate=100/s burst=200 key=client_ip exempt=10.0.0.0/8,fd00::/8; up concurrent=10 key=client_ip,route routes=login";
    const file = `rate_limits:
  clients: {rate: 100/s, burst: 200, key: client_ip, exempt: [10.0.0.0/8, 'fd00::/8']}
  up: {concurrent: 10, key: [client_ip, route], routes: [login]}
`;
    expect(limitsOf("", { RATE_LIMITS: line })).toEqual(limitsOf(file));
    expect(limitsOf("rate_limits: {other: {rate: 1/s}}", { RATE_LIMITS: line }).map(({ name }) => name)).toEqual([
      "other",
      "clients",
      "up",
    ]);
  });

  test("is enough without a file", () => {
    const env = { SERVERS: "http://a:1", RATE_LIMITS: "clients rate=5/m key=client_ip" };
    const loaded = loadConfig([environmentSource(env)]);
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    expect(loaded.config.rateLimits.map(({ name, quota }) => [name, describeRate(quota)])).toEqual([
      ["clients", "5/m"],
    ]);
    const shown = loaded.effective.filter(({ section }) => section === "rate_limits");
    expect(shown.map(({ env: name, value, origin }) => [name, value, origin])).toEqual([
      ["RATE_LIMITS.clients.rate", "5/m", "environment, limit 1"],
      ["RATE_LIMITS.clients.key", "client_ip", "environment, limit 1"],
    ]);
  });

  test.each([
    ["clients", "must have either rate"],
    ["clients rate", "RATE_LIMITS.clients.rate (environment, limit 1): is empty"],
    ["rate=5/s", '"rate=5/s" is no name'],
    ["Clients rate=5/s", "is no name"],
    ["a rate=5/s; a rate=6/s", "said a second time"],
    ["a rate=5/s burst=0", 'RATE_LIMITS.a.burst="0" (environment, limit 1): must be a whole number'],
    ["a rate=5/s rates=3", "rates"],
  ])("%s: is told what is wrong", (line, complaint) => {
    const problems = problemsOf("", { RATE_LIMITS: line });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(complaint);
  });

  test("a name may stand in one place", () => {
    const problems = problemsOf("rate_limits: {a: {rate: 1/s}}", { RATE_LIMITS: "a rate=5/s" });
    expect(problems).toEqual([
      expect.stringMatching(/^RATE_LIMITS\.a \(environment, limit 1\): is there already \(.*sites\.yaml:7:15\)/),
    ]);
  });
});

test("rates are told as they are written", () => {
  for (const text of ["100/s", "5/m", "1000/h", "3/d", "10/5s", "5/10m", "7/90s"]) {
    const { requests, periodMs } = rate.schema.parse(text);
    expect(describeRate({ kind: "rate", requests, periodMs, burst: 1 })).toBe(text);
  }
});

describe("overrides", () => {
  const configured = { mode: "enforce", rate: "100/s", burst: 100, concurrent: null };
  const override = (value: object, limit = "a"): Override => ({
    kind: "rate_limit",
    target: { limit },
    value: { ...configured, ...value },
    configured,
    id: "0123456789ab",
    by: "ann",
    client: "",
    reason: "",
    atMs: 0,
    untilMs: null,
    kept: true,
  });
  const layered = (value: object, limit?: string) => {
    const loaded = load("rate_limits: {a: {rate: 100/s}, b: {concurrent: 3}}");
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    return loaded.over([override(value, limit)]);
  };

  test("lie over what is configured, with their origin", () => {
    const loaded = layered({ mode: "dry_run", rate: "200/m", burst: 50 });
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    const [limit] = loaded.config.rateLimits;
    expect([limit.mode, limit.quota]).toEqual([
      "dry_run",
      { kind: "rate", requests: 200, periodMs: 60_000, burst: 50 },
    ]);
    const shown = loaded.effective.filter(({ origin }) => origin.startsWith("override by ann"));
    expect(shown.map(({ env, value }) => [env, value])).toEqual([
      ["rate_limits.a.mode", "dry_run"],
      ["rate_limits.a.rate", "200/m"],
      ["rate_limits.a.burst", "50"],
    ]);
  });

  test.each([
    [{ mode: "sometimes" }, "a", "mode must be one of"],
    [{ rate: "many" }, "a", "rate must be requests in a period"],
    [{ burst: 0 }, "a", "burst must be a whole number"],
    [{ concurrent: 5 }, "a", "it limits requests in a period"],
    [{}, "b", "it limits requests at once"],
    [{}, "c", "is of none that there is"],
  ])("%j of %s cannot be", (value, limit, complaint) => {
    const loaded = layered(value, limit);
    expect(loaded.ok ? [] : loaded.problems).toEqual([expect.stringContaining(complaint)]);
  });
});
