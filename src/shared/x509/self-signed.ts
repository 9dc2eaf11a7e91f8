/**
 * Certificates that nobody vouches for: what clients are shown for a name until there is a real one, and what answers a CA that asks
 * by TLS-ALPN-01 (RFC 8737 section 3). ECDSA over P-256; the key is made anew each time and kept nowhere.
 */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import * as der from "./der.ts";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const SUBJECT_ALT_NAME = "2.5.29.17";
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";
/** Context-specific tags (RFC 5280 section 4.1): version, extensions, and of a general name `dNSName`. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;
const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const DAY_MS = 86_400_000;

/** What one is made from. */
export interface SelfSignedOptions {
  /** Its one DNS name. */
  readonly name: string;
  /** The common name of the subject, for people. */
  readonly subject: string;
  /** Valid from the day before. Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly days: number;
  /** Of a challenge: the key authorization that it proves. */
  readonly keyAuthorization?: string;
}

/** PEM texts. */
export function makeSelfSigned({ name, subject, nowMs, days, keyAuthorization }: SelfSignedOptions): {
  certPem: string;
  keyPem: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const algorithm = der.sequence(der.objectIdentifier(ECDSA_WITH_SHA256));
  const who = der.sequence(
    der.set(der.sequence(der.objectIdentifier(COMMON_NAME), der.utf8String(subject.slice(0, 64)))),
  );
  const extensions = [extension(SUBJECT_ALT_NAME, der.sequence(der.tagged(DNS_NAME, Buffer.from(name, "latin1"))))];
  if (keyAuthorization !== undefined) {
    const proof = createHash("sha256").update(keyAuthorization).digest();
    extensions.push(extension(ACME_IDENTIFIER, der.octetString(proof), true));
  }
  const body = der.sequence(
    der.tagged(VERSION, der.integer(Buffer.of(2))),
    der.integer(serialOf(spki)),
    algorithm,
    who,
    der.sequence(der.time(nowMs - DAY_MS), der.time(nowMs + days * DAY_MS)),
    who,
    spki,
    der.tagged(EXTENSIONS, der.sequence(...extensions)),
  );
  const certificate = der.sequence(body, algorithm, der.bitString(sign("sha256", body, privateKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    certPem: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** As random as the key. */
function serialOf(spki: Uint8Array): Buffer {
  const serial = createHash("sha256").update(spki).digest().subarray(0, 16);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  return serial;
}

function extension(id: string, value: Uint8Array, critical = false): Buffer {
  return der.sequence(der.objectIdentifier(id), ...(critical ? [TRUE] : []), der.octetString(value));
}
