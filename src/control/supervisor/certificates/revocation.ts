/** Until when the lists of revoked certificates hold: whoever shows a certificate of an authority whose list does not is refused. */
import type { ClientTls } from "../../../protocol/worker.ts";
import { commonNameIn, type RevocationList, revocationListsIn } from "../../../shared/x509/revocation-list.ts";
import type { CertificateFigures } from "../../../telemetry/metrics/source.ts";

/** So many are told of. */
const MAX_SHOWN = 32;

/** Read once for each configuration: a list may have many thousands of certificates. */
const known = new WeakMap<ClientTls, readonly RevocationList[]>();

function listsOf(tls: ClientTls): readonly RevocationList[] {
  let lists = known.get(tls);
  if (lists === undefined) {
    lists = (tls.crlPems ?? []).flatMap(revocationListsIn);
    known.set(tls, lists);
  }
  return lists;
}

/** When each of those in use has to have a successor, by the name of its authority; what does not say so is left out. */
export function revocationExpiries(tls: ClientTls): readonly CertificateFigures[] {
  const shown = listsOf(tls).flatMap(({ issuer, nextUpdateMs }) =>
    nextUpdateMs === null ? [] : [{ name: commonNameIn(issuer), expiresAtSeconds: nextUpdateMs / 1000 }],
  );
  // Two authorities may have one common name: what expires first is what somebody sees fail.
  const expiries = new Map<string, number>();
  for (const { name, expiresAtSeconds } of shown) {
    expiries.set(name, Math.min(expiresAtSeconds, expiries.get(name) ?? expiresAtSeconds));
  }
  return Array.from(expiries, ([name, expiresAtSeconds]) => ({ name, expiresAtSeconds })).slice(0, MAX_SHOWN);
}

/** One of them does not hold. @param wallMs milliseconds since the epoch. */
export function hasListOutOfDate(tls: ClientTls, wallMs: number): boolean {
  return listsOf(tls).some(
    ({ thisUpdateMs, nextUpdateMs }) => wallMs < thisUpdateMs || (nextUpdateMs !== null && wallMs > nextUpdateMs),
  );
}
