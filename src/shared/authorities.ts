/** Which certificate authorities vouch for HTTPS servers: those of the system and of the runtime, and the operator's. */
import { getCACertificates } from "node:tls";

let usual: string[] | undefined;

/**
 * PEM certificates of all trusted authorities, or `undefined` when the runtime's default set is meant: it has the system's
 * authorities because the product is started with `--use-system-ca`.
 * @param extraPem the operator's own (`UPSTREAM_CA_FILE`); empty = none.
 */
export function trustedAuthorities(extraPem: string): string[] | undefined {
  if (extraPem === "") return undefined;
  return [...usualAuthorities(), extraPem];
}

/** PEM certificates of the system's and the runtime's authorities. */
export function usualAuthorities(): string[] {
  usual ??= getCACertificates("default");
  return usual;
}
