/** Settings that pools and routes may have values of their own of: as workers and the fleet are given them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigError, loadConfig } from "../../../src/config/load.ts";
import { toProxySettings } from "../../../src/config/proxy-settings.ts";
import { yamlFileSource } from "../../../src/config/sources/yaml/source.ts";
import { toFleetOptions } from "../../../src/control/supervisor/fleet-options.ts";
import { createSelfSigned } from "../../support/certificates.ts";
import { configOf, problemsOf } from "../../support/configuration.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-pools-"));
  const { cert, key } = createSelfSigned("DNS:balancer.test");
  writeFileSync(join(directory, "balancer.crt"), cert);
  writeFileSync(join(directory, "balancer.key"), key);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const settingsOf = (env: Record<string, string>) => toProxySettings(configOf(env), { nowMs: Date.now() });

test("what a pool is given", () => {
  const env = {
    STICKY_COOKIE: "lb",
    STICKY_KEYS: "0123456789abcdef, fedcba9876543210",
    STICKY_MAX_AGE_SECONDS: "1h",
    STICKY_SAME_SITE: "Strict",
    STICKY_SECURE: "on",
    UPSTREAM_HOST: "app.example:81",
    UPSTREAM_SERVER_NAME: "App.Example",
    HEALTH_CHECK_PORT: "9000",
    HEALTH_CHECK_STATUSES: "2xx, 304, 400-404",
    HEALTH_CHECK_BODY: "ok",
    PREFER_ZONE: "on",
    SUBSET_SIZE: "50",
    APP_ZONE: "eu-1",
  };
  expect(settingsOf(env).pools).toEqual([
    expect.objectContaining({
      stickyCookie: "lb",
      stickyKeys: ["0123456789abcdef", "fedcba9876543210"],
      stickyMaxAgeMs: 3_600_000,
      stickySameSite: "strict",
      stickySecure: "on",
      upstreamHost: "app.example:81",
      upstreamServerName: "app.example",
      upstreamCertificate: null,
    }),
  ]);
  expect(toFleetOptions(configOf(env), { upstreamCaPem: "", upstreamCertificate: null })).toMatchObject({
    preferZone: true,
    subsetSize: 50,
    zone: "eu-1",
    health: {
      port: 9000,
      statuses: [
        [200, 299],
        [304, 304],
        [400, 404],
      ],
      body: "ok",
    },
  });
});

test("what the route is given", () => {
  const files = { TLS_CERT_FILE: "balancer.crt", TLS_KEY_FILE: "balancer.key" };
  const paths = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(directory, file)]));
  const settings = settingsOf({ ...paths, TLS_PORT: "0", TLS_REDIRECT: "on", TLS_HSTS_SECONDS: "1d" });
  expect(settings.hstsMs).toBe(86_400_000);
  expect(settings.routes).toEqual([expect.objectContaining({ name: "/*", httpsRedirect: true, hstsMs: 86_400_000 })]);
});

test("plain requests may be sent to a proxy in front that has the TLS", () => {
  const behind = { TLS_REDIRECT: "on", TRUSTED_PROXIES: "10.0.0.1" };
  expect(settingsOf(behind).routes).toEqual([expect.objectContaining({ httpsRedirect: true })]);
});

test("reads what servers are shown", () => {
  const env = {
    UPSTREAM_CERT_FILE: join(directory, "balancer.crt"),
    UPSTREAM_KEY_FILE: join(directory, "balancer.key"),
  };
  expect(settingsOf(env).pools[0].upstreamCertificate).toEqual({
    certPem: expect.stringContaining("BEGIN CERTIFICATE"),
    keyPem: expect.stringContaining("PRIVATE KEY"),
  });
  expect(() => settingsOf({ ...env, UPSTREAM_KEY_FILE: env.UPSTREAM_CERT_FILE })).toThrow(
    /^UPSTREAM_KEY_FILE: .*balancer\.crt holds no private key/,
  );
});

test.each([
  [{ STICKY_COOKIE: "lb" }, /^STICKY_KEYS: is required by STICKY_COOKIE: openssl rand/],
  [{ STICKY_COOKIE: "a b" }, /^STICKY_COOKIE="a b" \(environment\): must be a name: letters, digits/],
  [{ STICKY_KEYS: "0123456789abcdef,short" }, /^STICKY_KEYS=\*{4} \(environment\): entry 2 must have 16 bytes or more/],
  [{ STICKY_KEYS: "0123456789abcdef,0123456789abcdef" }, /entry 2 repeats entry 1/],
  [{ HEALTH_CHECK_STATUSES: "200-299,600" }, /entry 2 "600" must be a status from 100 to 599, or a range/],
  [{ HEALTH_CHECK_STATUSES: "299-200" }, /entry 1 "299-200" must be a status/],
  [{ HEALTH_CHECK_STATUSES: "200," }, /entry 2 is empty: remove the extra comma/],
  [{ UPSTREAM_SERVER_NAME: "https://a" }, /must be a host name, such as app.internal/],
  [{ UPSTREAM_CERT_FILE: "a" }, /^UPSTREAM_KEY_FILE: is required by UPSTREAM_CERT_FILE/],
  [{ UPSTREAM_KEY_FILE: "a" }, /^UPSTREAM_CERT_FILE: is required by UPSTREAM_KEY_FILE/],
  [{ TLS_REDIRECT: "on" }, /^TLS_REDIRECT: needs TLS_PORT, or TRUSTED_PROXIES/],
] as [Record<string, string>, RegExp][])("%p is refused", (env, message) => {
  expect(problemsOf(env)).toContainEqual(expect.stringMatching(message));
  expect(problemsOf(env).join()).not.toContain("0123456789");
});

test("a cookie for other sites needs HTTPS", () => {
  const env = { STICKY_COOKIE: "lb", STICKY_KEYS: "0123456789abcdef", STICKY_SAME_SITE: "none", STICKY_SECURE: "off" };
  expect(problemsOf(env)).toEqual([expect.stringContaining("STICKY_SECURE: cannot be off with STICKY_SAME_SITE=none")]);
});

describe("files that the configuration file names", () => {
  const load = (text: string) => {
    const path = join(directory, "n.yaml");
    writeFileSync(path, text);
    const loaded = loadConfig([yamlFileSource(path, () => undefined)]);
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    return toProxySettings(loaded.config, { nowMs: Date.now() });
  };

  test("are read: pages of errors, bodies of fixed answers, certificates of each pool", () => {
    writeFileSync(join(directory, "e.html"), "<h1>{{status}} ü</h1>");
    const { routes, pools } = load(`pools:
  a: {servers: [https://a:1], upstream: {cert_file: ${directory}/balancer.crt, key_file: ${directory}/balancer.key}}
  b: {servers: [http://b:1]}
routes:
  - {pool: a, error_pages: [{statuses: [404, 5xx], file: ${directory}/e.html}]}
  - {path: /b, pool: b}
  - {path: /x, respond: {body_file: ${directory}/e.html, content_type: text/html}}
`);
    const page = { contentType: "text/html; charset=utf-8", template: "<h1>{{status}} ü</h1>" };
    expect(routes[0].errorPages).toEqual([
      { statuses: [404, 404], ...page },
      { statuses: [500, 599], ...page },
    ]);
    expect(routes[2].action).toEqual({ kind: "respond", status: 200, contentType: "text/html", body: page.template });
    expect(pools.map(({ upstreamCertificate }) => upstreamCertificate !== null)).toEqual([true, false]);
    expect(JSON.parse(JSON.stringify({ routes, pools }))).toEqual({ routes, pools });
  });

  test("are complained of by the names of pools and routes, all at once", () => {
    writeFileSync(join(directory, "latin1.html"), Buffer.from("\xfc", "latin1"));
    const text = `pools: {a: {servers: [https://a:1], upstream: {ca_file: /nowhere.pem}}}
routes: [{pool: a, error_pages: [{statuses: 404, file: /nowhere.html}]}, {name: x, path: /x, respond: {body_file: ${directory}/latin1.html}}]`;
    let problems: readonly string[] = [];
    try {
      load(text);
    } catch (error) {
      problems = (error as ConfigError).problems;
    }
    expect(problems).toEqual([
      "pools.a.upstream.ca_file: cannot read /nowhere.pem: there is no such file",
      'routes["/*"].error_pages: /nowhere.html: there is no such file',
      `routes.x.respond.body_file: ${directory}/latin1.html:1:1: is not UTF-8 from here on: save the file as UTF-8`,
    ]);
  });
});
