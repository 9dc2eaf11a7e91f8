/** Connects to servers, and says what it means that one could not be reached. */

import type { Endpoint } from "../../protocol/endpoint.ts";
import { trustedAuthorities } from "../../shared/authorities.ts";
import { serverNameIndication } from "../../shared/sni.ts";
import { type Failure, Failures } from "../failure.ts";
import type { Network } from "../sockets/network.ts";
import { type Dialler, TlsRefusal } from "../sockets/raw-socket.ts";

/** Starts to connect `dialler` to `endpoint`; it is told of the outcome. */
export type Dial = (endpoint: Endpoint, caPem: string, dialler: Dialler) => void;

/** Dials over `network`; with TLS, a server's certificate is verified against its name. */
export function createDial(network: Network): Dial {
  return ({ address, port, tls, hostname }, caPem, dialler) => {
    const target = tls ? { hostname, serverName: serverNameIndication(hostname), ca: trustedAuthorities(caPem) } : null;
    network.connect(address, port, target, dialler);
  };
}

/** What a dialler's `refused(code)` is called. */
export function dialFailure(code: string): Failure {
  switch (code) {
    case "ECONNREFUSED":
      return Failures.CONNECT_REFUSED;
    case TlsRefusal.TLS:
      return Failures.TLS_FAILED;
    case TlsRefusal.CERTIFICATE:
      return Failures.TLS_CERTIFICATE;
    default:
      return Failures.CONNECT_FAILED;
  }
}
