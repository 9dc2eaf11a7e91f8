/** Certificates that nobody vouches for. */
import { describe, expect, test } from "bun:test";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { integer, objectIdentifier, octetString, time } from "../../../../src/shared/x509/der.ts";
import { makeSelfSigned } from "../../../../src/shared/x509/self-signed.ts";

const nowMs = Date.UTC(2026, 10, 30);

describe("a self-signed certificate", () => {
  test("is one: of its key, for its name, within its days", () => {
    const { certPem, keyPem } = makeSelfSigned({ name: "www.example.test", subject: "nobody's", nowMs, days: 7 });
    const read = new X509Certificate(certPem);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(read.checkHost("www.example.test")).toBe("www.example.test");
    expect(read.subject).toBe("CN=nobody's");
    expect(Date.parse(read.validFrom)).toBe(nowMs - 86_400_000);
    expect(Date.parse(read.validTo)).toBe(nowMs + 7 * 86_400_000);
  });

  test("of a challenge it has the digest of the key authorization, critical (RFC 8737 section 3)", () => {
    const keyAuthorization = "token.thumbprint";
    const { certPem } = makeSelfSigned({ name: "a.test", subject: "challenge", nowMs, days: 7, keyAuthorization });
    const raw = new X509Certificate(certPem).raw;
    const at = raw.indexOf(objectIdentifier("1.3.6.1.5.5.7.1.31"));
    const digest = createHash("sha256").update(keyAuthorization).digest();
    const wanted = Buffer.concat([Buffer.from([0x01, 0x01, 0xff]), octetString(octetString(digest))]);
    expect(raw.subarray(at + 10, at + 10 + wanted.length)).toEqual(wanted);
  });

  test("each has a key and a number of its own", () => {
    const make = () => makeSelfSigned({ name: "a.test", subject: "a", nowMs, days: 1 });
    const [one, other] = [make(), make()];
    expect(one.keyPem).not.toBe(other.keyPem);
    expect(new X509Certificate(one.certPem).serialNumber).not.toBe(new X509Certificate(other.certPem).serialNumber);
  });
});

describe("DER", () => {
  test("numbers are not negative, and as short as they can be", () => {
    expect(integer(Buffer.from([0, 0, 5]))).toEqual(Buffer.from([2, 1, 5]));
    expect(integer(Buffer.from([0x80]))).toEqual(Buffer.from([2, 2, 0, 0x80]));
  });

  test("lengths beyond 127 have bytes of their own", () => {
    expect([...octetString(Buffer.alloc(300)).subarray(0, 4)]).toEqual([4, 0x82, 1, 44]);
    expect([...octetString(Buffer.alloc(200)).subarray(0, 3)]).toEqual([4, 0x81, 200]);
  });

  test("years have two digits until 2049", () => {
    expect(time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString("latin1")).toContain("491231235959Z");
    expect(time(Date.UTC(2050, 0, 1)).toString("latin1")).toContain("20500101000000Z");
  });
});
