/** When the certificates in use expire: those that clients are shown, those that servers are shown, and the authorities of the operator. */
import { X509Certificate } from "node:crypto";
import type { ProxySettings } from "../../protocol/worker.ts";
import type { CertificateFigures } from "../../telemetry/metrics/source.ts";

/** Of the authorities that a file names, so many are told of: one with all that there are in the world is no news. */
const MAX_AUTHORITIES = 32;

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Read once for each configuration: a scrape must not cost the reading of many certificates. */
const known = new WeakMap<ProxySettings, readonly CertificateFigures[]>();

/** Each with a name of its own. */
export function certificatesOf(settings: ProxySettings): readonly CertificateFigures[] {
  const before = known.get(settings);
  if (before !== undefined) return before;
  const found = read(settings);
  known.set(settings, found);
  return found;
}

function read({ tls, pools }: ProxySettings): readonly CertificateFigures[] {
  const expiries = new Map<string, number>();
  const add = (name: string, seconds: number, choose: (...seconds: number[]) => number): void => {
    expiries.set(name, choose(seconds, expiries.get(name) ?? seconds));
  };
  // Of two for the same name, and of a chain, what expires first is what somebody sees fail.
  for (const [index, { certPem, names }] of (tls?.certificates ?? []).entries()) {
    add(names[0] ?? `certificate-${index}`, firstExpiry(certPem), Math.min);
  }
  for (const { upstreamCertificate, upstreamCaPem } of pools) {
    if (upstreamCertificate !== null) {
      const { certPem } = upstreamCertificate;
      add(`upstream ${subjectOf(new X509Certificate(certPem))}`, firstExpiry(certPem), Math.min);
    }
    // Of an authority that was renewed the old certificate may stay beside the new one.
    for (const authority of certificatesIn(upstreamCaPem).slice(0, MAX_AUTHORITIES)) {
      add(`authority ${subjectOf(authority)}`, expiryOf(authority), Math.max);
    }
  }
  return Array.from(expiries, ([name, expiresAtSeconds]) => ({ name, expiresAtSeconds }));
}

function certificatesIn(pem: string): X509Certificate[] {
  return (pem.match(PEM) ?? []).map((text) => new X509Certificate(text));
}

function firstExpiry(pem: string): number {
  return Math.min(...certificatesIn(pem).map(expiryOf));
}

function expiryOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo) / 1000;
}

/** The common name, or whatever else there is. */
function subjectOf({ subject }: X509Certificate): string {
  const lines = (subject ?? "").split("\n");
  return lines.find((line) => line.startsWith("CN="))?.slice(3) ?? lines.join(", ");
}
