/** Reads certificates, keys and authorities from PEM files, and finds what is wrong with them before clients do. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { TlsCertificate } from "../protocol/worker.ts";
import { readBytes } from "./sources/text.ts";

/** Where findings go. Both take whole sentences. */
export interface Findings {
  readonly problem: (sentence: string) => void;
  readonly warning: (sentence: string) => void;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
/** Larger than any bundle of authorities. */
const MAX_BYTES = 4 * 1024 * 1024;
const WEEK_MS = 7 * 86_400_000;

/** Who names a certificate and its key, and who gets to see it. */
export interface CertificateNames {
  readonly cert: string;
  readonly key: string;
  readonly seenBy: "clients" | "servers";
}

const FOR_CLIENTS: CertificateNames = { cert: "TLS_CERT_FILE", key: "TLS_KEY_FILE", seenBy: "clients" };

/** Reads one certificate (with its chain) and its key. `null` after a problem was reported. */
export function readCertificate(
  certFile: string,
  keyFile: string,
  nowMs: number,
  findings: Findings,
  names = FOR_CLIENTS,
): TlsCertificate | null {
  const certPem = readPem(names.cert, certFile, findings);
  const keyPem = readPem(names.key, keyFile, findings);
  const chain = certPem === null ? null : parseChain(names.cert, certFile, certPem, findings);
  const key = keyPem === null ? null : parseKey(names.key, keyFile, keyPem, findings);
  if (certPem === null || keyPem === null || chain === null || key === null) return null;
  const leaf = chain[0];
  if (!leaf.checkPrivateKey(key)) {
    findings.problem(`${names.key}: ${keyFile} is not the key of the certificate in ${certFile}`);
    return null;
  }
  warnOfDates(names, certFile, leaf, nowMs, findings);
  return { certPem, keyPem, names: namesOf(leaf) };
}

/** Reads a bundle of authorities. Returns the empty text after a problem was reported. */
export function readAuthorities(file: string, findings: Findings, name = "UPSTREAM_CA_FILE"): string {
  const pem = readPem(name, file, findings);
  return pem !== null && parseChain(name, file, pem, findings) !== null ? pem : "";
}

/** The certificates in a text, each as PEM. */
export function certificatesIn(pem: string): readonly string[] {
  return pem.match(CERTIFICATE) ?? [];
}

function readPem(env: string, file: string, findings: Findings): string | null {
  try {
    return readBytes(file, MAX_BYTES).toString("utf8"); // comments may be in any encoding
  } catch (error) {
    const reason = (error as Error).message.replace(/^: (?:cannot be read: )?/, "");
    findings.problem(`${env}: cannot read ${file}: ${reason}`);
    return null;
  }
}

function parseChain(env: string, file: string, pem: string, findings: Findings): X509Certificate[] | null {
  const blocks = certificatesIn(pem);
  if (blocks.length === 0) {
    findings.problem(`${env}: ${file} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")`);
    return null;
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    findings.problem(`${env}: ${file} holds a damaged certificate`);
    return null;
  }
}

function parseKey(env: string, file: string, pem: string, findings: Findings): KeyObject | null {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    findings.problem(`${env}: ${file} holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")`);
    return null;
  }
  if (/ENCRYPTED/.test(pem)) {
    findings.problem(`${env}: the key in ${file} needs a passphrase: give one without (openssl pkey -in … -out …)`);
    return null;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    findings.problem(`${env}: ${file} holds a damaged private key`);
    return null;
  }
}

function warnOfDates(
  { cert, seenBy }: CertificateNames,
  file: string,
  leaf: X509Certificate,
  nowMs: number,
  findings: Findings,
): void {
  const from = Date.parse(leaf.validFrom);
  const to = Date.parse(leaf.validTo);
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (nowMs > to)
    findings.warning(`${cert}: the certificate in ${file} expired on ${day(to)}: ${seenBy} will refuse it`);
  else if (nowMs < from) findings.warning(`${cert}: the certificate in ${file} is valid only from ${day(from)}`);
  else if (to - nowMs < WEEK_MS) findings.warning(`${cert}: the certificate in ${file} expires on ${day(to)}`);
}

/** DNS names of the subject alternative name (RFC 6125 section 6.4.4: the common name is not one of them). */
function namesOf(leaf: X509Certificate): string[] {
  const names = leaf.subjectAltName?.matchAll(/(?:^|, )DNS:"?([^",]+)"?/g) ?? [];
  return Array.from(names, (match) => match[1].toLowerCase());
}
