/** Connects to servers, and says what it means that one could not be reached. */

import type { Endpoint } from "../../protocol/endpoint.ts";
import type { UpstreamTls } from "../../shared/upstream-tls.ts";
import { upstreamTlsTarget } from "../../shared/upstream-tls.ts";
import { type Failure, Failures } from "../failure.ts";
import type { Network } from "../sockets/network.ts";
import { type Dialler, TlsRefusal } from "../sockets/raw-socket.ts";

/**
 * Starts to connect `dialler` to `endpoint`; it is told of the outcome.
 * @param preface what goes in front of TLS; null = nothing. Without TLS that is the dialler's business.
 */
export type Dial = (endpoint: Endpoint, tls: UpstreamTls, dialler: Dialler, preface: Uint8Array | null) => void;

/** Dials over `network`; with TLS, a server's certificate is verified against its name, and HTTP/2 is agreed on. */
export function createDial(network: Network): Dial {
  return ({ address, port, tls, http2, hostname }, settings, dialler, preface) => {
    const target = tls ? upstreamTlsTarget(hostname, settings, http2 ? "h2" : null) : null;
    network.connect(address, port, target, dialler, preface);
  };
}

/** What a dialler's `refused(code)` is called. */
export function dialFailure(code: string): Failure {
  switch (code) {
    case "ECONNREFUSED":
      return Failures.CONNECT_REFUSED;
    case TlsRefusal.TLS:
      return Failures.TLS_FAILED;
    case TlsRefusal.ALERT:
      return Failures.TLS_REFUSED;
    case TlsRefusal.CERTIFICATE:
      return Failures.TLS_CERTIFICATE;
    case TlsRefusal.PROTOCOL:
      return Failures.NOT_HTTP2;
    default:
      return Failures.CONNECT_FAILED;
  }
}
