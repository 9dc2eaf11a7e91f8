/**
 * Listens on sockets of the runtime: plain, or TLS 1.2 and 1.3. All workers listen on the same port, and the kernel spreads
 * connections over them. Bun's own listener takes one certificate; several go through node:tls, as does what CAs ask while they do.
 */
import type { TCPSocketListener, TCPSocketListenOptions } from "bun";
import type { Listening, OnSocket } from "../raw-socket.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { BunSocket, EVENTS } from "./bun-socket.ts";
import { listenForChallenges } from "./challenge-listener.ts";
import { listenWithSni } from "./sni-listener.ts";
import type { TlsListening } from "./tls-listening.ts";

/** @param tls null = plain. Throws when the port cannot be had or a certificate cannot be used. */
export function listenWithRuntime(
  env: SocketEnvironment,
  host: string,
  port: number,
  tls: TlsListening | null,
  onSocket: OnSocket,
): Listening {
  if (tls === null) return wrap(Bun.listen<BunSocket>(options(env, host, port, onSocket, () => {})));
  const { certificates, challenges, protocols, onHandshakeFailed } = tls;
  if (challenges !== null) return listenForChallenges(env, host, port, tls, challenges, onSocket);
  if (certificates.length > 1) return listenWithSni(env, host, port, tls, onSocket);
  const [{ certPem: cert, keyPem: key }] = certificates;
  // In wire format (RFC 7301 section 3.1), the only one that Bun takes.
  const ALPNProtocols = protocols.map((name) => String.fromCharCode(name.length) + name).join("");
  return wrap(
    Bun.listen<BunSocket>({
      ...options(env, host, port, onSocket, onHandshakeFailed),
      tls: { cert, key, ALPNProtocols },
    }),
  );
}

/** `reusePort` is missing in Bun's types. */
function options(
  env: SocketEnvironment,
  hostname: string,
  port: number,
  onSocket: OnSocket,
  onHandshakeFailed: () => void,
): TCPSocketListenOptions<BunSocket> & { readonly reusePort: true } {
  return {
    hostname,
    port,
    reusePort: true,
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

function wrap(listener: TCPSocketListener<BunSocket>): Listening {
  return { port: listener.port, stop: () => listener.stop(false) };
}
