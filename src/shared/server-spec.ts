/** A server as it is configured: what the configuration tells the fleet. */

/** How servers are spoken to: the scheme of their URLs, by what it means. */
export const SERVER_PROTOCOLS = {
  http: { tls: false, http2: false },
  https: { tls: true, http2: false },
  /** HTTP/2 by ALPN (RFC 9113 section 3.2). */
  h2: { tls: true, http2: true },
  /** HTTP/2 without TLS: the server is known to speak it (RFC 9113 section 3.3). */
  h2c: { tls: false, http2: true },
} as const;
/** One of them. */
export type ServerProtocol = keyof typeof SERVER_PROTOCOLS;

/** One entry of `SERVERS`. It may stand for several addresses: each is a server of its own. */
export interface ServerSpec {
  /** As configured, canonical: lower case, port always there, no trailing slash. `dns+srv://…` for SRV records. */
  readonly url: string;
  /** How its addresses are spoken to. */
  readonly scheme: ServerProtocol;
  /** Who says which addresses these are: a key of `SOURCES` (control/discovery/sources/registry.ts). */
  readonly source: string;
  /**
   * Name or address (IPv6 without brackets), or the name that the source knows them by. A dot at its end says that it is
   * complete: no search domain is added to it.
   */
  readonly host: string;
  /** 0 = the source says the ports, and weights beside them. */
  readonly port: number;
  /** Relative share, > 0. From `SERVER_WEIGHT_…`, else 1. */
  readonly weight: number;
  /** As shown to users and to a model. From `SERVER_CAPACITY_…`, else `DEFAULT_CAPACITY`. */
  readonly capacity: number;
  /** Most requests in flight; 0 = not enforced. From `SERVER_CAPACITY_…`, else 0. */
  readonly hardLimit: number;
  /** Where it runs, as the operator calls it; `null` = not said. */
  readonly zone: string | null;
  /** Used only while the others of its pool are gone. */
  readonly backup: boolean;
}
