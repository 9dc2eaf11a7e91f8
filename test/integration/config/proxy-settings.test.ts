import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../../src/config/load.ts";
import { toProxySettings } from "../../../src/config/proxy-settings.ts";
import { configOf } from "../../support/configuration.ts";
import { spawnSync } from "../../support/processes.ts";

const DAY_MS = 86_400_000;
let directory: string;

function file(name: string): string {
  return join(directory, name);
}

function openssl(...args: string[]): void {
  const { exitCode, stderr } = spawnSync(["openssl", ...args], { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

/** Makes `<name>.pem` and `<name>.key`. */
function makeCertificate(name: string, names: string, days: number): void {
  const extension = names === "" ? [] : ["-addext", `subjectAltName=${names}`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const out = ["-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)];
  const subject = ["-subj", `/CN=${name}`, "-days", String(days)];
  openssl("req", "-x509", ...kind, ...out, ...subject, ...extension);
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-tls-"));
  makeCertificate("a", "DNS:A.example,DNS:*.a.example,IP:127.0.0.1", 30);
  makeCertificate("b", "DNS:b.example", 30);
  makeCertificate("nameless", "", 30);
  writeFileSync(file("junk.pem"), "junk");
  writeFileSync(file("damaged.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  writeFileSync(file("damaged.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  openssl("pkey", "-in", file("a.key"), "-aes256", "-passout", "pass:x", "-out", file("locked.key"));
  mkdirSync(file("directory"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function tls(certs: string[], keys: string[], env: Record<string, string> = {}) {
  const list = (names: string[]) => names.map(file).join(",");
  return configOf({ TLS_PORT: "8443", TLS_CERT_FILE: list(certs), TLS_KEY_FILE: list(keys), ...env });
}

function problemsOf(certs: string[], keys: string[], env: Record<string, string> = {}): readonly string[] {
  try {
    toProxySettings(tls(certs, keys, env), { nowMs: Date.now() });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("toProxySettings", () => {
  test("Via is written unless it is switched off", () => {
    const via = (env: Record<string, string>) =>
      toProxySettings(configOf(env), { nowMs: Date.now() }).pools.map(({ upstreamVia }) => upstreamVia);
    expect([via({}), via({ UPSTREAM_VIA: "on" }), via({ UPSTREAM_VIA: "off" })]).toEqual([[true], [true], [false]]);
  });

  test("takes every value over and makes a message of it that JSON does not change", () => {
    const env = {
      TRUSTED_PROXIES: "10.1.2.3/8, 192.0.2.7,FD00::1/8",
      MAX_BODY_BYTES: "1000",
      HASH_ON: "header:X-User",
    };
    const settings = toProxySettings(configOf({ ...env, ACCESS_LOG: "off", LB_STRATEGY: "consistent_hash" }), {
      nowMs: Date.now(),
    });
    expect(settings).toMatchObject({
      host: "0.0.0.0",
      port: 8080,
      listeners: [{ host: "0.0.0.0", port: 8080, tls: false }],
      trustedProxies: ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"],
      shutdownTimeoutMs: 30_000,
      accessLog: false,
      logFormat: "json",
      tls: null,
      pools: [
        {
          row: 0,
          name: "default",
          strategy: "consistent_hash",
          hashOn: "header:x-user",
          hashBalanceFactor: 1.25,
          connectTimeoutMs: 2000,
          upstreamIdleTimeoutMs: 4000,
          retryBudgetPercent: 20,
          queueSize: 1024,
          queueTimeoutMs: 1000,
          upstreamCaPem: "",
          request: { tunnelTimeoutMs: 3_600_000, retryAttempts: 2, retryOnStatus: [], maxBodyBytes: 1000 },
        },
      ],
      routes: [{ name: "/*", number: 0 }],
    });
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
  });

  test("reads certificates in order, with their DNS names", () => {
    const settings = toProxySettings(tls(["a.pem", "b.pem"], ["a.key", "b.key"]), { nowMs: Date.now() });
    expect(settings.tls?.port).toBe(8443);
    expect(settings.tls?.certificates.map(({ names }) => names)).toEqual([["a.example", "*.a.example"], ["b.example"]]);
    expect(settings.tls?.certificates[0].certPem).toBe(readFileSync(file("a.pem"), "utf8"));
    expect(settings.tls?.certificates[0].keyPem).toBe(readFileSync(file("a.key"), "utf8"));
  });

  test.each([
    ["missing.pem", "a.key", /^TLS_CERT_FILE: cannot read .*missing\.pem: there is no such file$/],
    ["directory", "a.key", /^TLS_CERT_FILE: cannot read .*directory: it is a directory$/],
    ["junk.pem", "a.key", /^TLS_CERT_FILE: .*junk\.pem holds no certificate in PEM form/],
    ["damaged.pem", "a.key", /^TLS_CERT_FILE: .*damaged\.pem holds a damaged certificate$/],
    ["a.pem", "junk.pem", /^TLS_KEY_FILE: .*junk\.pem holds no private key in PEM form/],
    ["a.pem", "damaged.key", /^TLS_KEY_FILE: .*damaged\.key holds a damaged private key$/],
    ["a.pem", "locked.key", /^TLS_KEY_FILE: the key in .*locked\.key needs a passphrase/],
    ["a.pem", "b.key", /^TLS_KEY_FILE: .*b\.key is not the key of the certificate in .*a\.pem$/],
  ])("%s with %s is refused", (cert, key, message) => {
    expect(problemsOf([cert], [key])).toEqual([expect.stringMatching(message)]);
  });

  test("all wrong files are listed at once", () => {
    const problems = problemsOf(["junk.pem", "a.pem"], ["missing.key", "b.key"], {
      UPSTREAM_CA_FILE: file("junk.pem"),
    });
    expect(problems).toHaveLength(4);
    expect(problems[3]).toContain("UPSTREAM_CA_FILE");
  });

  test.each([
    ["expired", 31, /a\.pem expired on \d{4}-\d\d-\d\d: clients will refuse it$/],
    ["about to expire", 28, /a\.pem expires on \d{4}-\d\d-\d\d$/],
    ["not valid yet", -1, /a\.pem is valid only from \d{4}-\d\d-\d\d$/],
  ])("warns of a certificate that is %s", (_, days, message) => {
    const warnings: string[] = [];
    const nowMs = Date.now() + days * DAY_MS;
    toProxySettings(tls(["a.pem"], ["a.key"]), { nowMs, warn: (sentence) => warnings.push(sentence) });
    expect(warnings).toEqual([expect.stringMatching(message)]);
  });

  test("warns of a second certificate without a name: no client asks for it", () => {
    const warnings: string[] = [];
    const config = tls(["nameless.pem", "nameless.pem"], ["nameless.key", "nameless.key"]);
    toProxySettings(config, { nowMs: Date.now(), warn: (sentence) => warnings.push(sentence) });
    expect(warnings).toEqual([expect.stringContaining("has no DNS name and is never chosen")]);
  });

  test("reads the authorities of https servers", () => {
    const settings = toProxySettings(configOf({ UPSTREAM_CA_FILE: file("a.pem") }), { nowMs: Date.now() });
    expect(settings.pools[0].upstreamCaPem).toBe(readFileSync(file("a.pem"), "utf8"));
  });
});

describe("TRUSTED_PROXIES", () => {
  test.each([
    ["*", 'entry 1 "*" must be an address or a CIDR range'],
    ["10.0.0.0/33", 'entry 1 "10.0.0.0/33"'],
    ["::/129", 'entry 1 "::/129"'],
    ["10.0.0.0/8,proxy.local", 'entry 2 "proxy.local"'],
    ["10.0.0.0/8,", 'entry 2 ""'],
    ["10.0.0.0/8/8", 'entry 1 "10.0.0.0/8/8"'],
  ])("%s is refused", (value, message) => {
    expect(() => configOf({ TRUSTED_PROXIES: value })).toThrow(`TRUSTED_PROXIES (environment): ${message}`);
  });
});
