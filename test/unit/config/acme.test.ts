/** Settings of certificates by ACME. */
import { describe, expect, test } from "bun:test";
import { acmeCertificates } from "../../../src/config/acme/certificates.ts";
import { readAcmeSettings } from "../../../src/config/acme/settings.ts";
import { configOf, load, problemsOf } from "../../support/configuration.ts";

const ACME = { ACME_DOMAINS: "Www.Example.test, example.test.", ACME_AGREE_TOS: "true", TLS_PORT: "8443" };
const QUIET = { problem: () => {}, warning: () => {} };

test("unset, none are asked for", () => {
  expect(readAcmeSettings(configOf(), QUIET)).toBeNull();
  expect(acmeCertificates(configOf(), 0, () => {})).toEqual([]);
});

test("names are what CAs understand, and all is kept below DATA_DIR unless it is said where", () => {
  const settings = readAcmeSettings(configOf({ ...ACME, DATA_DIR: "/var/nb" }), QUIET);
  expect(settings).toMatchObject({
    domains: ["www.example.test", "example.test"],
    directoryUrl: "https://acme-v02.api.letsencrypt.org/directory",
    challenge: "http-01",
    keyType: "ecdsa",
    directory: "/var/nb/acme",
    externalAccount: null,
  });
  expect(readAcmeSettings(configOf({ ...ACME, ACME_DIR: "/shared" }), QUIET)?.directory).toBe("/shared");
});

test("TLS needs no file then", () => {
  expect(problemsOf(ACME)).toEqual([]);
  expect(problemsOf({ TLS_PORT: "8443" }).join("\n")).toContain("or have one got by ACME_DOMAINS");
  expect(problemsOf({ ...ACME, TLS_CERT_FILE: "/a" }).join("\n")).toContain("TLS_KEY_FILE: is required");
});

test("terms must be agreed to, names must be shown to somebody, and an account has a key and its id", () => {
  expect(problemsOf({ ...ACME, ACME_AGREE_TOS: "false" }).join("\n")).toContain("read the terms of service of the CA");
  const { TLS_PORT: _none, ...plain } = ACME;
  expect(problemsOf(plain).join("\n")).toContain("ACME_DOMAINS: has certificates that nobody would be shown");
  expect(problemsOf({ ...ACME, ACME_EAB_KEY_ID: "x" }).join("\n")).toContain("ACME_EAB_HMAC_KEY: is not set");
  expect(problemsOf({ ...ACME, ACME_EAB_HMAC_KEY: "x" }).join("\n")).toContain("ACME_EAB_KEY_ID: is not set");
});

describe("what cannot be had is said with what would be right", () => {
  test.each([
    ["ACME_DOMAINS", "*.example.test", "is a wildcard, which CAs give by DNS-01 only"],
    ["ACME_DOMAINS", "10.0.0.1", "is an address"],
    ["ACME_DOMAINS", "a.test,,b.test", "entry 2 is empty"],
    ["ACME_DOMAINS", "a.test,A.test", "is there twice"],
    ["ACME_DOMAINS", "localhost", "must be a host name such as"],
    ["ACME_DOMAINS", "über.test", "in their ASCII form"],
    ["ACME_DOMAINS", "../../etc.test", "must be a host name"],
    ["ACME_DIRECTORY_URL", "http://ca.test/dir", "must be a URL that begins with https://"],
    ["ACME_EMAIL", "a@b.test,c@d.test", "must be a mail address"],
    ["ACME_CHALLENGE", "dns-01", "must be one of: http-01, tls-alpn-01"],
  ])("%s=%s", (name, value, sentence) => {
    expect(problemsOf({ ...ACME, [name]: value }).join("\n")).toContain(sentence);
  });
});

test("keys are secret", () => {
  const loaded = load({ ...ACME, ACME_EAB_KEY_ID: "kid", ACME_EAB_HMAC_KEY: "very-secret" });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  expect(JSON.stringify(loaded.effective)).not.toContain("very-secret");
});

test("until there is a certificate one that nobody vouches for stands in, the same each time", () => {
  const config = configOf({ ...ACME, ACME_DIR: "/does/not/exist" });
  const warnings: string[] = [];
  const [one, other] = [0, 1].map(() => acmeCertificates(config, 0, (sentence) => warnings.push(sentence)));
  expect(one).toEqual(other);
  expect(one.map(({ names, origin }) => [names[0], origin])).toEqual([
    ["www.example.test", "placeholder"],
    ["example.test", "placeholder"],
  ]);
  expect(warnings).toEqual([]);
});
