/**
 * When the certificates in use expire: those that clients are shown, those that servers and
 * the collector of traces are shown, and the authorities of the operator.
 */
import { X509Certificate } from "node:crypto";
import type { TracerSettings } from "../../../protocol/tracer.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";
import type { CertificateFigures } from "../../../telemetry/metrics/source.ts";

/** Of the authorities that a file names, so many are told of: one with all that there are in the world is no news. */
const MAX_AUTHORITIES = 32;

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Where traces are sent, as far as certificates go; `null` = nowhere. */
export type TraceTls = Pick<TracerSettings, "caPem" | "certificate"> | null;

/** Read once for each configuration: a scrape must not cost the reading of many certificates. */
const known = new WeakMap<
  ProxySettings,
  { readonly traces: TraceTls; readonly found: readonly CertificateFigures[] }
>();

/** Each with a name of its own. */
export function certificatesOf(settings: ProxySettings, traces: TraceTls): readonly CertificateFigures[] {
  const before = known.get(settings);
  if (before !== undefined && before.traces === traces) return before.found;
  const found = read(settings, traces);
  known.set(settings, { traces, found });
  return found;
}

function read({ tls, clientTls, pools }: ProxySettings, traces: TraceTls): readonly CertificateFigures[] {
  const expiries = new Map<string, number>();
  const add = (name: string, seconds: number, choose: (...seconds: number[]) => number): void => {
    expiries.set(name, choose(seconds, expiries.get(name) ?? seconds));
  };
  const addOurs = (to: string, ours: { readonly certPem: string } | null): void => {
    if (ours === null) return;
    add(`${to} ${subjectOf(new X509Certificate(ours.certPem))}`, firstExpiry(ours.certPem), Math.min);
  };
  // Of an authority that was renewed the old certificate may stay beside the new one.
  const addAuthorities = (pem: string): void => {
    for (const authority of certificatesIn(pem).slice(0, MAX_AUTHORITIES)) {
      add(`authority ${subjectOf(authority)}`, expiryOf(authority), Math.max);
    }
  };
  // Of two for the same name, and of a chain, what expires first is what somebody sees fail.
  for (const [index, { certPem, names, origin }] of (tls?.certificates ?? []).entries()) {
    if (origin !== "placeholder") add(names[0] ?? `certificate-${index}`, firstExpiry(certPem), Math.min);
  }
  for (const { upstreamCertificate, upstreamCaPem } of pools) {
    addOurs("upstream", upstreamCertificate);
    addAuthorities(upstreamCaPem);
  }
  addAuthorities(clientTls.caPem);
  addOurs("collector", traces?.certificate ?? null);
  addAuthorities(traces?.caPem ?? "");
  return Array.from(expiries, ([name, expiresAtSeconds]) => ({ name, expiresAtSeconds }));
}

/** Those that can be read: one that cannot is no reason to tell of none. */
function certificatesIn(pem: string): X509Certificate[] {
  return (pem.match(PEM) ?? []).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/** @param pem begins with a certificate that was checked when it was read, however it is labelled. */
function firstExpiry(pem: string): number {
  return Math.min(expiryOf(new X509Certificate(pem)), ...certificatesIn(pem).map(expiryOf));
}

function expiryOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo) / 1000;
}

/** The common name, or whatever else there is. */
function subjectOf({ subject }: X509Certificate): string {
  const lines = (subject ?? "").split("\n");
  return lines.find((line) => line.startsWith("CN="))?.slice(3) ?? lines.join(", ");
}
