/**
 * The certificates that ACME has got, as clients are shown them. Until there is one for a name, they are shown one that nobody
 * vouches for: the port is open, who looks sees why, and the real one takes its place as any other would.
 */
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import type { TlsCertificate } from "../../protocol/worker.ts";
import { certificateFile } from "../../shared/acme/files.ts";
import { makeSelfSigned } from "../../shared/x509/self-signed.ts";
import { type Findings, readCertificate } from "../tls-files.ts";
import { type AcmeSections, acmeDirectory } from "./settings.ts";

/** For as long as an instance may run. */
const PLACEHOLDER_DAYS = 3650;
const PLACEHOLDER_SUBJECT = "no certificate yet (NeuraBalancer)";
const NAMES = { cert: "ACME_DOMAINS", key: "ACME_DOMAINS", seenBy: "clients" } as const;

/** The same for as long as this process runs: another one would have listeners opened anew. */
const placeholders = new Map<string, TlsCertificate>();

/** Of each name one, in the order of `ACME_DOMAINS`. What is missing or damaged is asked for again: that stops nothing. */
export function acmeCertificates(
  sections: AcmeSections,
  nowMs: number,
  warn: (sentence: string) => void,
): readonly TlsCertificate[] {
  const directory = acmeDirectory(sections);
  return (sections.acme.domains ?? []).map((name) => read(directory, name, nowMs, warn) ?? placeholder(name, nowMs));
}

/** Files that change when a certificate is issued. */
export function acmeCertificateFiles(sections: AcmeSections): readonly string[] {
  const directory = acmeDirectory(sections);
  return (sections.acme.domains ?? []).map((name) => certificateFile(directory, name));
}

function read(directory: string, name: string, nowMs: number, warn: (sentence: string) => void): TlsCertificate | null {
  const file = certificateFile(directory, name);
  if (!existsSync(file)) return null;
  const findings: Findings = { problem: (sentence) => warn(`${sentence}: another one is asked for`), warning: warn };
  const both = readCertificate(file, file, nowMs, findings, NAMES);
  if (both === null) return null;
  const at = both.certPem.indexOf("-----BEGIN CERTIFICATE-----");
  const [keyPem, certPem] = [both.keyPem.slice(0, at), both.certPem.slice(at)];
  if (new X509Certificate(certPem).checkHost(name) !== undefined) {
    return { certPem, keyPem, names: [name], origin: "acme" };
  }
  warn(`ACME_DOMAINS: the certificate in ${file} is not for ${name}: another one is asked for`);
  return null;
}

function placeholder(name: string, nowMs: number): TlsCertificate {
  const known = placeholders.get(name);
  if (known !== undefined) return known;
  const made = makeSelfSigned({ name, subject: PLACEHOLDER_SUBJECT, nowMs, days: PLACEHOLDER_DAYS });
  const certificate = { ...made, names: [name], origin: "placeholder" } as const;
  placeholders.set(name, certificate);
  return certificate;
}
