/** How TLS is spoken with clients: with the files read and checked. */
import { createSecureContext } from "node:tls";
import type { ClientTls } from "../../protocol/worker.ts";
import type { Config } from "../config.ts";
import { SECTIONS } from "../schema.ts";
import { readText } from "../sources/text.ts";
import { type Findings, readAuthorities } from "../tls-files.ts";

const MAX_CRL_BYTES = 16 * 1024 * 1024;
const CRL = /-----BEGIN X509 CRL-----/;

/** Problems of the files are told. */
export function readClientTls({ tls, listeners }: Config, findings: Findings): ClientTls {
  const { minVersion, ciphers, curves, clientAuth: auth, clientCaFile, clientCrlFile } = tls;
  const names = SECTIONS.tls.settings;
  const asked = listeners.some((listener) => listener.tls && (listener.clientAuth ?? auth) !== "off");
  const caPem = clientCaFile === null || !asked ? "" : readAuthorities(clientCaFile, findings, names.clientCaFile.env);
  const crlPem = clientCrlFile === null || !asked ? null : readLists(names.clientCrlFile.env, clientCrlFile, findings);
  return { minVersion, ciphers, curves, auth, caPem, crlPem };
}

function readLists(env: string, file: string, findings: Findings): string | null {
  let pem: string;
  try {
    pem = readText(file, MAX_CRL_BYTES);
  } catch (error) {
    findings.problem(`${env}: ${file}${(error as Error).message}`);
    return null;
  }
  if (!CRL.test(pem)) {
    findings.problem(`${env}: ${file} holds no list in PEM form ("-----BEGIN X509 CRL-----")`);
    return null;
  }
  try {
    createSecureContext({ crl: pem });
    return pem;
  } catch {
    findings.problem(`${env}: ${file} holds a damaged list`);
    return null;
  }
}
