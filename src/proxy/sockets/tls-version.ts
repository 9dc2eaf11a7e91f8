/** Which version of TLS a client speaks, as bytes for logs: there are two of them, and many connections. */
import type { RawSocket } from "./raw-socket.ts";

const VERSIONS = new Map(["TLSv1.2", "TLSv1.3"].map((name) => [name, Buffer.from(name)]));

/** `null` = none that is known. */
export function tlsVersionOf(socket: RawSocket | null): Buffer | null {
  return VERSIONS.get(socket?.tlsVersion ?? "") ?? null;
}
