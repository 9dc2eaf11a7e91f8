/** What is known of a list of revoked certificates before clients are refused by it. */
import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import * as der from "../../../../src/shared/x509/der.ts";
import { commonNameIn, revocationListsIn, subjectIn } from "../../../../src/shared/x509/revocation-list.ts";
import { makeSelfSigned } from "../../../../src/shared/x509/self-signed.ts";

const ALGORITHM = der.sequence(der.objectIdentifier("1.2.840.10045.4.3.2"));
const VERSION_2 = der.integer(Buffer.of(1));
const NOW_MS = Date.UTC(2026, 10, 30, 10, 20, 30);
const nameOf = (text: string) =>
  der.sequence(der.set(der.sequence(der.objectIdentifier("2.5.4.3"), der.utf8String(text))));
const pemOf = (...fields: readonly Uint8Array[]): string => {
  const list = der.sequence(der.sequence(...fields), ALGORITHM, der.bitString(Buffer.of(1)));
  return `-----BEGIN X509 CRL-----\n${list.toString("base64")}\n-----END X509 CRL-----`;
};

describe("a list", () => {
  test("has its authority and its times, whatever its version", () => {
    const name = nameOf("clients");
    const times = [der.time(NOW_MS), der.time(NOW_MS + 1000)];
    const revoked = der.sequence();
    const lists = revocationListsIn(
      `of version 2\n${pemOf(VERSION_2, ALGORITHM, name, ...times, revoked)}\n${pemOf(ALGORITHM, name, ...times)}\n`,
    );
    expect(lists.map(({ thisUpdateMs, nextUpdateMs }) => [thisUpdateMs, nextUpdateMs])).toEqual(
      Array(2).fill([NOW_MS, NOW_MS + 1000]),
    );
    expect(lists.map(({ issuer }) => commonNameIn(issuer))).toEqual(["clients", "clients"]);
    expect(lists[1].pem).toStartWith("-----BEGIN");
  });

  test("need not say when the next one comes, and times beyond 2049 have four digits", () => {
    const late = Date.UTC(2051, 0, 1);
    const [without, far] = revocationListsIn(
      pemOf(ALGORITHM, nameOf("a"), der.time(NOW_MS), der.sequence()) + pemOf(ALGORITHM, nameOf("a"), der.time(late)),
    );
    expect([without.nextUpdateMs, far.thisUpdateMs]).toEqual([null, late]);
  });

  test.each([
    ["nothing", ""],
    ["no time", pemOf(ALGORITHM, nameOf("a"), der.integer(Buffer.of(1)))],
    ["no issuer", pemOf(ALGORITHM, der.time(NOW_MS), der.time(NOW_MS))],
    ["a time that is none", pemOf(ALGORITHM, nameOf("a"), der.tagged(0x17, Buffer.from("991332000000Z")))],
  ])("with %s in it is damaged", (_, pem) => {
    const text = pem === "" ? "-----BEGIN X509 CRL-----\n-----END X509 CRL-----" : pem;
    expect(() => revocationListsIn(text)).toThrow();
  });
});

test("the subject of a certificate is what its lists have as their issuer", () => {
  const { certPem } = makeSelfSigned({ name: "a.test", subject: "clients", nowMs: NOW_MS, days: 1 });
  expect(subjectIn(new X509Certificate(certPem).raw)).toEqual(nameOf("clients"));
});
