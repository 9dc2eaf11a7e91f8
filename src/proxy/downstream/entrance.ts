/** Where clients come in, as their connections know it. */
import type { ClientAccess } from "../../shared/addresses/client-access.ts";

/** One listener. It stays the same when its socket is opened anew; what is not `readonly` changes at a reload. */
export interface Entrance {
  readonly secure: boolean;
  /** The one that was found, if any would do. */
  port: number;
  /** Who may come in; null = everybody. */
  access: ClientAccess | null;
  /** Clients may speak HTTP/2: over TLS by ALPN, in clear with prior knowledge. */
  http2: boolean;
  /** Clients are asked for certificates: what servers are told of one is ours to say. */
  asksCertificates: boolean;
}
