/** Certificates as the admin API shows them. */
import type { AcmeCertificate, AcmeChallenge, AcmeState } from "../../../protocol/acme.ts";

/** One in use. */
interface InUse {
  readonly name: string;
  readonly expiresAtSeconds: number;
}

/** A certificate as it is shown. */
export interface ShownCertificate {
  readonly name: string;
  /** `null` = there is none yet. */
  readonly expires_at: string | null;
  readonly source: "file" | "acme";
  /** How it stands; `null` = it is a file. */
  readonly acme: ShownAcme | null;
}

/** How a certificate by ACME stands. */
export interface ShownAcme {
  readonly state: AcmeState;
  readonly challenge: AcmeChallenge;
  /** `null` = now. */
  readonly next_try_at: string | null;
  readonly failures: number;
  readonly last_error: { readonly at: string; readonly message: string } | null;
}

/** Those in use, and of each that is got by ACME how that stands; one that is not there yet has no `expires_at`. */
export function describeCertificates(
  inUse: readonly InUse[],
  acme: { readonly certificates: readonly AcmeCertificate[]; readonly challenge: AcmeChallenge },
): ShownCertificate[] {
  const byName = new Map(acme.certificates.map((one) => [one.name, one]));
  const shown = inUse.map<ShownCertificate>(({ name, expiresAtSeconds }) => {
    const own = byName.get(name);
    byName.delete(name);
    const expires_at = new Date(expiresAtSeconds * 1000).toISOString();
    return own === undefined
      ? { name, expires_at, source: "file", acme: null }
      : { name, expires_at, source: "acme", acme: describeAcme(own, acme.challenge) };
  });
  const missing = [...byName.values()].map<ShownCertificate>((own) => ({
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
): ShownAcme {
  return {
    state,
    challenge,
    next_try_at: nextTryAtMs === null ? null : new Date(nextTryAtMs).toISOString(),
    failures,
    last_error: lastError && { at: new Date(lastError.atMs).toISOString(), message: lastError.message },
  };
}
