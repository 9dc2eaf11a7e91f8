/** Reads certificates, keys and authorities from PEM files, and finds what is wrong with them before clients do. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TlsCertificate } from "../protocol/worker.ts";

/** Where findings go. Both take whole sentences. */
export interface Findings {
  readonly problem: (sentence: string) => void;
  readonly warning: (sentence: string) => void;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const WEEK_MS = 7 * 86_400_000;

/** Reads one certificate (with its chain) and its key. `null` after a problem was reported. */
export function readCertificate(
  certFile: string,
  keyFile: string,
  nowMs: number,
  findings: Findings,
): TlsCertificate | null {
  const certPem = readPem("TLS_CERT_FILE", certFile, findings);
  const keyPem = readPem("TLS_KEY_FILE", keyFile, findings);
  const chain = certPem === null ? null : parseChain("TLS_CERT_FILE", certFile, certPem, findings);
  const key = keyPem === null ? null : parseKey(keyFile, keyPem, findings);
  if (certPem === null || keyPem === null || chain === null || key === null) return null;
  const leaf = chain[0];
  if (!leaf.checkPrivateKey(key)) {
    findings.problem(`TLS_KEY_FILE: ${keyFile} is not the key of the certificate in ${certFile}`);
    return null;
  }
  warnOfDates(certFile, leaf, nowMs, findings);
  return { certPem, keyPem, names: namesOf(leaf) };
}

/** Reads a bundle of authorities. Returns the empty text after a problem was reported. */
export function readAuthorities(file: string, findings: Findings): string {
  const pem = readPem("UPSTREAM_CA_FILE", file, findings);
  return pem !== null && parseChain("UPSTREAM_CA_FILE", file, pem, findings) !== null ? pem : "";
}

function readPem(env: string, file: string, findings: Findings): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EACCES: "this process may not read it",
      EISDIR: "it is a directory",
    };
    findings.problem(`${env}: cannot read ${file}: ${reasons[code ?? ""] ?? message}`);
    return null;
  }
}

function parseChain(env: string, file: string, pem: string, findings: Findings): X509Certificate[] | null {
  const blocks = pem.match(CERTIFICATE);
  if (!blocks) {
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

function parseKey(file: string, pem: string, findings: Findings): KeyObject | null {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    findings.problem(`TLS_KEY_FILE: ${file} holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")`);
    return null;
  }
  if (/ENCRYPTED/.test(pem)) {
    findings.problem(
      `TLS_KEY_FILE: the key in ${file} needs a passphrase: give one without (openssl pkey -in … -out …)`,
    );
    return null;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    findings.problem(`TLS_KEY_FILE: ${file} holds a damaged private key`);
    return null;
  }
}

function warnOfDates(file: string, leaf: X509Certificate, nowMs: number, findings: Findings): void {
  const from = Date.parse(leaf.validFrom);
  const to = Date.parse(leaf.validTo);
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (nowMs > to)
    findings.warning(`TLS_CERT_FILE: the certificate in ${file} expired on ${day(to)}: clients will refuse it`);
  else if (nowMs < from) findings.warning(`TLS_CERT_FILE: the certificate in ${file} is valid only from ${day(from)}`);
  else if (to - nowMs < WEEK_MS) findings.warning(`TLS_CERT_FILE: the certificate in ${file} expires on ${day(to)}`);
}

/** DNS names of the subject alternative name (RFC 6125 section 6.4.4: the common name is not one of them). */
function namesOf(leaf: X509Certificate): string[] {
  const names = leaf.subjectAltName?.matchAll(/(?:^|, )DNS:"?([^",]+)"?/g) ?? [];
  return Array.from(names, (match) => match[1].toLowerCase());
}
