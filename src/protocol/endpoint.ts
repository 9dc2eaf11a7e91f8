/** Servers as processes tell each other of them. */

/** Where a server is reached. `slot` and `id` name its row in the shared server table. */
export interface Endpoint {
  readonly slot: number;
  readonly id: number;
  /** Row of its pool. */
  readonly pool: number;
  /** As configured, without a trailing slash: `http://backend-1:8001`, `h2c://backend-1:8001`. */
  readonly url: string;
  /** Name in the URL, for `Host`-independent purposes: TLS server name and certificate check. */
  readonly hostname: string;
  /** The IP address to connect to (one of the name's addresses). */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** It speaks HTTP/2; otherwise HTTP/1.1. */
  readonly http2: boolean;
}

/** What a server is called: ids are of one run only. */
export type NamedAddress = Pick<Endpoint, "id" | "url" | "address">;
