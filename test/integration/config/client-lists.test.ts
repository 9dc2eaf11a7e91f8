/** Lists of clients from files, and files of TLS with clients: what is read, and what is wrong with them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../../src/config/load.ts";
import { toProxySettings } from "../../../src/config/proxy-settings.ts";
import { createAuthority, createSelfSigned } from "../../support/certificates.ts";
import { configOf } from "../../support/configuration.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-lists-"));
  const { cert, key } = createSelfSigned("DNS:a.test");
  write("a.crt", cert);
  write("a.key", key);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);
function write(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}
const settingsOf = (env: Record<string, string>) => toProxySettings(configOf(env), { nowMs: Date.now() });
/** What is said of lists of revoked certificates. */
function warningsOf(env: Record<string, string>, nowMs = Date.now()): readonly string[] {
  const warnings: string[] = [];
  toProxySettings(configOf(env), { nowMs, warn: (sentence) => void warnings.push(sentence) });
  return warnings.filter((sentence) => sentence.startsWith("TLS_CLIENT_CRL_FILE"));
}
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    settingsOf(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replaceAll(directory, ""));
    throw error;
  }
  return [];
}

describe("lists of clients", () => {
  test("files have more entries of the lists, and are read again when they change", () => {
    const env = {
      CLIENTS_ALLOW: "192.0.2.0/24",
      CLIENTS_ALLOW_FILE: write("allow", "# offices\n10.1.2.3/8 # one\r\n\n2001:db8::1\n192.0.2.0/24\n"),
      CLIENTS_DENY_FILE: write("deny", "10.9.0.0/16\n"),
    };
    expect(settingsOf(env).clientAccess).toEqual({
      allow: ["192.0.2.0/24", "10.0.0.0/8", "2001:db8::1/128"],
      deny: ["10.9.0.0/16"],
    });
    write("deny", "");
    expect(settingsOf(env).clientAccess.deny).toEqual([]);
    expect(settingsOf({}).clientAccess).toEqual({ allow: null, deny: [] });
  });

  test("what is wrong is told with its line", () => {
    const lines = Array.from({ length: 9 }, (_, i) => `x${i}`).join("\n");
    expect(problemsOf({ CLIENTS_DENY_FILE: write("wrong", `10.0.0.1\n${lines}\n`) })).toEqual([
      ...[2, 3, 4, 5, 6].map(
        (line) => `CLIENTS_DENY_FILE: /wrong:${line}: must be an address or a CIDR range, such as 10.0.0.0/8`,
      ),
      "CLIENTS_DENY_FILE: /wrong has 4 more lines like that",
    ]);
    expect(problemsOf({ CLIENTS_ALLOW_FILE: write("empty", "# nobody\n") })).toEqual([
      "CLIENTS_ALLOW_FILE: /empty has no entry, so nobody would be served: unset it to serve everybody",
    ]);
    expect(problemsOf({ CLIENTS_ALLOW_FILE: at("missing"), CLIENTS_DENY_FILE: directory })).toEqual([
      "CLIENTS_ALLOW_FILE: /missing: there is no such file",
      "CLIENTS_DENY_FILE: : cannot be read: it is a directory",
    ]);
  });

  test("have a bound", () => {
    const many = Array.from({ length: 200_001 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).join("\n");
    expect(problemsOf({ CLIENTS_DENY_FILE: write("many", many) })).toEqual([
      "CLIENTS_DENY_FILE: /many has 200001 entries: the most is 200000",
    ]);
  });
});

describe("files of TLS with clients", () => {
  const tls = () => ({
    TLS_PORT: "1",
    TLS_CERT_FILE: at("a.crt"),
    TLS_KEY_FILE: at("a.key"),
    TLS_CLIENT_AUTH: "require",
    TLS_CLIENT_CA_FILE: at("a.crt"),
  });

  test("are read where a client is asked", () => {
    const crl = createAuthority().revoke();
    expect(settingsOf({ ...tls(), TLS_CLIENT_CRL_FILE: write("crl", crl) }).clientTls).toMatchObject({
      auth: "require",
      caPem: expect.stringContaining("BEGIN CERTIFICATE"),
      crlPems: [crl.trim()],
    });
    expect(settingsOf({ ...tls(), TLS_CLIENT_AUTH: "off" }).clientTls).toMatchObject({ caPem: "", crlPems: null });
  });

  test("what is wrong with them is told", () => {
    expect(problemsOf({ ...tls(), TLS_CLIENT_CA_FILE: at("a.key"), TLS_CLIENT_CRL_FILE: at("a.crt") })).toEqual([
      'TLS_CLIENT_CA_FILE: /a.key holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
      'TLS_CLIENT_CRL_FILE: /a.crt holds no list in PEM form ("-----BEGIN X509 CRL-----")',
    ]);
    const damaged = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    expect(problemsOf({ ...tls(), TLS_CLIENT_CRL_FILE: write("damaged", damaged) })).toEqual([
      "TLS_CLIENT_CRL_FILE: /damaged holds a damaged list",
    ]);
    const authority = createAuthority("clients");
    const [older, newer] = [authority.revoke(), authority.revoke(authority.issue("DNS:a"))];
    expect(problemsOf({ ...tls(), TLS_CLIENT_CRL_FILE: write("twice", older + newer) })).toEqual([
      'TLS_CLIENT_CRL_FILE: /twice holds two lists of authority "clients": keep the later one only',
    ]);
    expect(problemsOf({ ...tls(), TLS_CLIENT_CRL_FILE: write("half", older + damaged) })).toEqual([
      "TLS_CLIENT_CRL_FILE: /half holds a damaged list",
    ]);
  });

  test("whom no list that holds lets in is told", () => {
    const [one, other] = [createAuthority("one"), createAuthority("other")];
    const of = (crl: string) => ({
      ...tls(),
      TLS_CLIENT_CA_FILE: write("both", one.cert + other.cert),
      TLS_CLIENT_CRL_FILE: write("crl", crl),
    });
    const refused = ": whoever shows a certificate of it is refused";
    expect(warningsOf(of(one.revoke() + other.revoke()))).toEqual([]);
    expect(warningsOf(of(one.revoke()))).toEqual([
      `TLS_CLIENT_CRL_FILE: there is no list of authority "other" of TLS_CLIENT_CA_FILE${refused}`,
    ]);
    const days = 40 * 86_400_000;
    const late = warningsOf(of(one.revoke() + other.revoke()), Date.now() + days);
    expect(late).toEqual(
      ["one", "other"].map((name) =>
        expect.stringContaining(`the list of authority "${name}" is out of date since 20`),
      ),
    );
    const early = warningsOf(of(one.revoke() + other.revoke()), Date.now() - days);
    expect(early).toEqual(
      ["one", "other"].map((name) => expect.stringContaining(`the list of authority "${name}" holds only from 20`)),
    );
  });
});
