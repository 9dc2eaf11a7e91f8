/** TLS with servers, as a pool's settings say: one answer for requests and for health checks, so that they agree on who is well. */
import { trustedAuthorities } from "./authorities.ts";
import { serverNameIndication } from "./sni.ts";

/** How the servers of a pool are spoken to over TLS: by requests, checks and whoever else asks them. A part of `PoolSettings`. */
export interface UpstreamTls {
  /** Name to ask for and to verify, instead of the one in the server's URL; `null` = that one. */
  readonly upstreamServerName: string | null;
  /** PEM bundle of authorities to believe beside the usual ones; empty = none. */
  readonly upstreamCaPem: string;
  /** What servers are shown that ask for a certificate, as PEM texts. */
  readonly upstreamCertificate: { readonly certPem: string; readonly keyPem: string } | null;
}

/** How to speak TLS with a server. */
export interface TlsTarget {
  /** What the certificate has to be for. */
  readonly hostname: string;
  /** For SNI; undefined = none is sent. */
  readonly serverName: string | undefined;
  /** PEM certificates of the authorities to believe; undefined = the runtime's. */
  readonly ca: string[] | undefined;
  /** PEM texts of what the server is shown when it asks for a certificate. */
  readonly certificate: UpstreamTls["upstreamCertificate"];
  /** The protocol that it has to agree on by ALPN (RFC 7301); `null` = none is offered. */
  readonly protocol: "h2" | null;
}

/**
 * What to ask of the server `hostname`, the name or address in its URL. Another name that the pool has (`UPSTREAM_SERVER_NAME`)
 * is both asked for and verified: that is where the certificate is for a name that is no address of its own.
 * @param protocol what to speak, where ALPN says so.
 */
export function upstreamTlsTarget(hostname: string, tls: UpstreamTls, protocol: TlsTarget["protocol"]): TlsTarget {
  const name = tls.upstreamServerName ?? hostname;
  return {
    hostname: name,
    serverName: serverNameIndication(name),
    ca: trustedAuthorities(tls.upstreamCaPem),
    certificate: tls.upstreamCertificate,
    protocol,
  };
}

/** Connections made by the one may serve where the other is said: same name, same authorities, same certificate shown. */
export function isSameUpstreamTls(one: UpstreamTls, other: UpstreamTls): boolean {
  return (
    one.upstreamServerName === other.upstreamServerName &&
    one.upstreamCaPem === other.upstreamCaPem &&
    one.upstreamCertificate?.certPem === other.upstreamCertificate?.certPem &&
    one.upstreamCertificate?.keyPem === other.upstreamCertificate?.keyPem
  );
}
