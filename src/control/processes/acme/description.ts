/** Certificates as the admin API shows them. */
import type { AcmeCertificate, AcmeChallenge } from "../../../protocol/acme.ts";

/** One in use. */
interface InUse {
  readonly name: string;
  readonly expiresAtSeconds: number;
}

/** Those in use, and of each that is got by ACME how that stands; one that is not there yet has no `expires_at`. */
export function describeCertificates(
  inUse: readonly InUse[],
  acme: { readonly certificates: readonly AcmeCertificate[]; readonly challenge: AcmeChallenge },
): object[] {
  const byName = new Map(acme.certificates.map((one) => [one.name, one]));
  const shown = inUse.map(({ name, expiresAtSeconds }) => {
    const own = byName.get(name);
    byName.delete(name);
    const expires_at = new Date(expiresAtSeconds * 1000).toISOString();
    return own === undefined
      ? { name, expires_at, source: "file", acme: null }
      : { name, expires_at, source: "acme", acme: describeAcme(own, acme.challenge) };
  });
  const missing = [...byName.values()].map((own) => ({
    name: own.name,
    expires_at: own.expiresAtMs === null ? null : new Date(own.expiresAtMs).toISOString(),
    source: "acme",
    acme: describeAcme(own, acme.challenge),
  }));
  return [...shown, ...missing];
}

/** `waiting` for its time, `ordering`, or `failing`. */
export function describeAcme(
  { state, nextTryAtMs, failures, lastError }: AcmeCertificate,
  challenge: AcmeChallenge,
): object {
  return {
    state,
    challenge,
    next_try_at: nextTryAtMs === null ? null : new Date(nextTryAtMs).toISOString(),
    failures,
    last_error: lastError && { at: new Date(lastError.atMs).toISOString(), message: lastError.message },
  };
}
