/** What a server is called in TLS: one answer for requests and for health checks, so that they agree on who is well. */
import { isIP } from "node:net";

/**
 * The name to ask for in the handshake (SNI), or `undefined` = none is sent: an address must not be one (RFC 6066
 * section 3), and there are servers that refuse the handshake over it. The certificate is checked against `hostname` all
 * the same, an address against its IP names (RFC 9525 section 6.5).
 * @param hostname of the endpoint: a name without a dot at its end, or an address without brackets.
 */
export function serverNameIndication(hostname: string): string | undefined {
  return isIP(hostname) === 0 ? hostname : undefined;
}
