/** The end of a client's handshake, whichever listener of the runtime has made it. */
import type { CertificateVerdict } from "../client-certificate.ts";
import type { AdaptedSocket } from "./adapted-socket.ts";
import type { TlsListening } from "./tls-listening.ts";

/** @param verdict on the client's certificate; null = none was asked for. */
export function handshaken(
  socket: AdaptedSocket,
  verdict: CertificateVerdict | null,
  protocol: string,
  tls: TlsListening,
): void {
  if (verdict?.served === false) {
    tls.onHandshakeFailed(`${socket.remoteAddress}: ${verdict.reason}`);
    socket.turnAway(verdict.reason);
    return;
  }
  socket.clientCertificate = verdict?.certificate ?? null;
  socket.handshaken(protocol);
}
