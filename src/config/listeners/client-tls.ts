/** How TLS is spoken with clients: with the files read and checked. */
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { ClientTls } from "../../protocol/worker.ts";
import { visible } from "../../shared/visible-text.ts";
import { commonNameIn, type RevocationList, revocationListsIn, subjectIn } from "../../shared/x509/revocation-list.ts";
import type { Config } from "../config.ts";
import { SECTIONS } from "../schema.ts";
import { readText } from "../sources/text.ts";
import { certificatesIn, type Findings, readAuthorities } from "../tls-files.ts";

const MAX_CRL_BYTES = 16 * 1024 * 1024;
const CRL = /-----BEGIN X509 CRL-----/;
const { clientCaFile: CA_FILE, clientCrlFile: CRL_FILE } = SECTIONS.tls.settings;

/** Problems of the files are told. @param nowMs milliseconds since the epoch. */
export function readClientTls({ tls, listeners }: Config, nowMs: number, findings: Findings): ClientTls {
  const { minVersion, ciphers, curves, clientAuth: auth, clientCaFile, clientCrlFile } = tls;
  const asked = listeners.some((listener) => listener.tls && (listener.clientAuth ?? auth) !== "off");
  const caPem = clientCaFile === null || !asked ? "" : readAuthorities(clientCaFile, findings, CA_FILE.env);
  const lists = clientCrlFile === null || !asked ? null : readLists(clientCrlFile, findings);
  if (lists !== null) warnOfRefused(lists, caPem, nowMs, findings);
  return { minVersion, ciphers, curves, auth, caPem, crlPems: lists?.map(({ pem }) => pem) ?? null };
}

function readLists(file: string, findings: Findings): readonly RevocationList[] | null {
  const problem = (sentence: string): null => {
    findings.problem(`${CRL_FILE.env}: ${file}${sentence}`);
    return null;
  };
  let pem: string;
  try {
    pem = readText(file, MAX_CRL_BYTES);
  } catch (error) {
    return problem((error as Error).message);
  }
  if (!CRL.test(pem)) return problem(' holds no list in PEM form ("-----BEGIN X509 CRL-----")');
  let lists: readonly RevocationList[];
  try {
    lists = revocationListsIn(pem);
    if (lists.length === 0) return problem(" holds a damaged list");
    createSecureContext({ crl: lists.map((list) => list.pem) });
  } catch {
    return problem(" holds a damaged list");
  }
  // TLS goes by one of them, and nobody can say by which.
  const twice = lists.find(({ issuer }, i) => lists.findIndex((other) => other.issuer.equals(issuer)) < i);
  if (twice !== undefined) return problem(` holds two lists of ${named(twice.issuer)}: keep the later one only`);
  return lists;
}

/** Nobody of an authority comes in without a list of it that is in date: that is told before clients notice. */
function warnOfRefused(lists: readonly RevocationList[], caPem: string, nowMs: number, findings: Findings): void {
  const warn = (sentence: string): void =>
    findings.warning(`${CRL_FILE.env}: ${sentence}: whoever shows a certificate of it is refused`);
  for (const { issuer, thisUpdateMs, nextUpdateMs } of lists) {
    const list = `the list of ${named(issuer)}`;
    if (nowMs < thisUpdateMs) warn(`${list} holds only from ${timeText(thisUpdateMs)}`);
    else if (nextUpdateMs !== null && nowMs > nextUpdateMs)
      warn(`${list} is out of date since ${timeText(nextUpdateMs)}`);
  }
  for (const authority of certificatesIn(caPem)) {
    const subject = subjectIn(new X509Certificate(authority).raw);
    if (!lists.some(({ issuer }) => issuer.equals(subject)))
      warn(`there is no list of ${named(subject)} of ${CA_FILE.env}`);
  }
}

function named(name: Buffer): string {
  return `authority "${visible(commonNameIn(name)).slice(0, 64)}"`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
