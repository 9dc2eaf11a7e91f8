/**
 * Listens on sockets of the runtime: plain, or TLS 1.2 and 1.3. All workers listen on the same port, and the kernel spreads
 * connections over them. Bun's own listener takes one certificate; several go through node:tls, as does what CAs ask while they do.
 */
import type { TCPSocketListener, TCPSocketListenOptions } from "bun";
import type { Listening, OnSocket } from "../raw-socket.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { BunSocket, EVENTS } from "./bun-socket.ts";
import { listenForChallenges } from "./challenge-listener.ts";
import type { ListenPlace } from "./listen-place.ts";
import { listenWithSni } from "./sni-listener.ts";
import type { TlsListening } from "./tls-listening.ts";

/** @param tls null = plain. Throws when the port cannot be had or a certificate cannot be used. */
export function listenWithRuntime(
  env: SocketEnvironment,
  place: ListenPlace,
  tls: TlsListening | null,
  onSocket: OnSocket,
): Listening {
  if (tls === null) return wrap(Bun.listen<BunSocket>(options(env, place, onSocket, () => {})), place);
  const { certificates, challenges, protocols, onHandshakeFailed } = tls;
  if (challenges !== null) return listenForChallenges(env, place, tls, challenges, onSocket);
  if (certificates.length > 1) return listenWithSni(env, place, tls, onSocket);
  const [{ certPem: cert, keyPem: key }] = certificates;
  // In wire format (RFC 7301 section 3.1), the only one that Bun takes.
  const ALPNProtocols = protocols.map((name) => String.fromCharCode(name.length) + name).join("");
  return wrap(
    Bun.listen<BunSocket>({
      ...options(env, place, onSocket, onHandshakeFailed),
      tls: { cert, key, ALPNProtocols },
    }),
    place,
  );
}

/** `reusePort` and `fd` are missing in Bun's types; with the second one it listens at no other place. */
function options(
  env: SocketEnvironment,
  place: ListenPlace,
  onSocket: OnSocket,
  onHandshakeFailed: () => void,
): TCPSocketListenOptions<BunSocket> {
  const where = "fd" in place ? { fd: place.fd } : { hostname: place.host, port: place.port, reusePort: true };
  return {
    ...(where as { hostname: string; port: number }),
    allowHalfOpen: true,
    socket: {
      ...EVENTS,
      open(socket) {
        const adapted = new BunSocket(env);
        adapted.attach(socket);
        adapted.accept(onSocket);
      },
      handshake(socket, success) {
        if (success) socket.data.handshaken(socket.alpnProtocol || "");
        else onHandshakeFailed();
      },
    },
  };
}

/** Of one that was taken over the runtime knows no port. */
function wrap(listener: TCPSocketListener<BunSocket>, place: ListenPlace): Listening {
  const { fd = -1 } = listener as { readonly fd?: number };
  return { port: "fd" in place ? place.port : listener.port, fd, stop: () => listener.stop(false) };
}
