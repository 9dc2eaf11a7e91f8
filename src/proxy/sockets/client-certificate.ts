/** The certificate that a client has shown in TLS, and whether it is believed. */
import { X509Certificate } from "node:crypto";
import type { ClientAuth } from "../../protocol/worker.ts";
import { visible } from "../../shared/visible-text.ts";

/** Of a certificate that is longer, servers would get a field that many refuse; hardly one is half as long. Bytes of DER. */
const MAX_CERTIFICATE_BYTES = 8192;
/** Longest line of `Client-Cert` that comes of it. */
export const MAX_CERTIFICATE_LINE_BYTES = 4 * Math.ceil(MAX_CERTIFICATE_BYTES / 3) + 64;
/** Of a subject so much is logged, characters. */
const MAX_SUBJECT = 256;

/** One that was verified. */
export interface ClientCertificate {
  /** `Client-Cert: :…:` with its line end: RFC 9440 section 2.2, a byte sequence of RFC 8941. */
  readonly line: string;
  /** As a string of JSON has it, without its quotes: `CN=alice, O=Example`. */
  readonly subject: Buffer;
  /** SHA-256 of it, hexadecimal. */
  readonly fingerprint: Buffer;
}

/** What the runtime says of a handshake that is through. */
export interface ShownCertificate {
  /** Whether it was verified, and what was wrong if not. Both have to be good: some failures show in one of them only. */
  readonly authorized: boolean;
  readonly error: string | null;
  /** DER; `null` = none was shown. */
  readonly raw: Buffer | null;
}

/** What becomes of the client: with a certificate, without one, or not at all. */
export type CertificateVerdict =
  | { readonly served: true; readonly certificate: ClientCertificate | null }
  | { readonly served: false; readonly reason: string };

const WITHOUT: CertificateVerdict = { served: true, certificate: null };

/**
 * Decides on a client. Sessions that are resumed go through this, too: what was verified when they began is remembered by the
 * runtime, for two days, and the certificate may have expired since.
 * @param epochMs now, milliseconds since the epoch.
 */
export function judgeCertificate(auth: ClientAuth, shown: ShownCertificate, epochMs: number): CertificateVerdict {
  if (auth === "off") return WITHOUT;
  const { raw, authorized, error } = shown;
  if (raw === null) return auth === "request" ? WITHOUT : { served: false, reason: "no certificate was shown" };
  if (!authorized || error !== null) return { served: false, reason: error ?? "the certificate was not verified" };
  if (raw.length > MAX_CERTIFICATE_BYTES)
    return { served: false, reason: `the certificate is longer than ${MAX_CERTIFICATE_BYTES} bytes` };
  const parsed = new X509Certificate(raw);
  if (epochMs < Date.parse(parsed.validFrom) || epochMs > Date.parse(parsed.validTo))
    return { served: false, reason: "the certificate is not valid at this time" };
  const subject = (parsed.subject ?? "").split("\n").join(", ").slice(0, MAX_SUBJECT);
  return {
    served: true,
    certificate: {
      line: `Client-Cert: :${raw.toString("base64")}:\r\n`,
      subject: Buffer.from(JSON.stringify(visible(subject)).slice(1, -1)),
      fingerprint: Buffer.from(parsed.fingerprint256.replaceAll(":", "").toLowerCase()),
    },
  };
}
