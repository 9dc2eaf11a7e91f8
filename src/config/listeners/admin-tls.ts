/** The files of the admin port's TLS. */
import type { AdminSettings } from "../sections/admin.ts";
import { type Findings, readAuthorities, readCertificate } from "../tls-files.ts";

const NAMES = { cert: "ADMIN_TLS_CERT_FILE", key: "ADMIN_TLS_KEY_FILE", seenBy: "clients" } as const;

/** What they hold, as PEM. */
export interface AdminTls {
  readonly certPem: string;
  readonly keyPem: string;
  /** `null` = clients need no certificate. */
  readonly clientCaPem: string | null;
}

type Files = Pick<AdminSettings, "tlsCertFile" | "tlsKeyFile" | "tlsClientCaFile">;

/** Those that are set. */
export function adminTlsFiles({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: Files): string[] {
  return [tlsCertFile, tlsKeyFile, tlsClientCaFile].filter((file) => file !== null);
}

/** Reads and checks them; `null` = there is no TLS, or a problem was reported. */
export function readAdminTls(
  { tlsCertFile, tlsKeyFile, tlsClientCaFile }: Files,
  nowMs: number,
  findings: Findings,
): AdminTls | null {
  if (tlsCertFile === null || tlsKeyFile === null) return null;
  const certificate = readCertificate(tlsCertFile, tlsKeyFile, nowMs, findings, NAMES);
  const clientCaPem =
    tlsClientCaFile === null ? null : readAuthorities(tlsClientCaFile, findings, "ADMIN_TLS_CLIENT_CA_FILE");
  if (certificate === null || clientCaPem === "") return null;
  return { certPem: certificate.certPem, keyPem: certificate.keyPem, clientCaPem };
}
