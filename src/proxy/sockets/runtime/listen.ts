/**
 * Listens on sockets of the runtime: plain, or TLS 1.2 and 1.3. All workers listen on the same port, and the kernel spreads
 * connections over them. Bun's own listener takes one certificate; several go through node:tls, as does what CAs ask while they do.
 */
import type { Socket, TCPSocketListener, TCPSocketListenOptions } from "bun";
import { judgeCertificate, type ShownCertificate } from "../client-certificate.ts";
import type { HeaderWaits } from "../proxied/header-waits.ts";
import type { Listening, OnSocket } from "../raw-socket.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { BunSocket, EVENTS } from "./bun-socket.ts";
import { listenForChallenges } from "./challenge-listener.ts";
import { handshaken } from "./handshaken.ts";
import type { ListenPlace } from "./listen-place.ts";
import { listenWithSni } from "./sni-listener.ts";
import type { TlsListening } from "./tls-listening.ts";
import { sharedOptions, VERSION_NUMBERS } from "./tls-options.ts";

/**
 * @param tls null = plain.
 * @param headers where proxies say whose connections they make; null = nowhere.
 * Throws when the port cannot be had or a certificate cannot be used.
 */
export function listenWithRuntime(
  env: SocketEnvironment,
  place: ListenPlace,
  tls: TlsListening | null,
  onSocket: OnSocket,
  headers: HeaderWaits | null,
): Listening {
  const options = optionsOf(env, place, tls, (socket) => socket.welcome(onSocket, headers));
  if (tls === null) return wrap(Bun.listen<BunSocket>(options), place);
  const { certificates, challenges, protocols, terms } = tls;
  if (challenges !== null) return listenForChallenges(env, place, tls, challenges, onSocket, headers);
  if (certificates.length > 1) return listenWithSni(env, place, tls, onSocket, headers);
  const [{ certPem: cert, keyPem: key }] = certificates;
  // In wire format (RFC 7301 section 3.1), the only one that Bun takes.
  const ALPNProtocols = protocols.map((name) => String.fromCharCode(name.length) + name).join("");
  return wrap(
    Bun.listen<BunSocket>({
      ...options,
      tls: { cert, key, ALPNProtocols, ...sharedOptions(terms), ...lowestVersion(terms) },
    }),
    place,
  );
}

/** Missing in Bun's types. */
function lowestVersion({ minVersion }: TlsListening["terms"]): object {
  return { minVersion: VERSION_NUMBERS[minVersion] };
}

/** `reusePort` and `fd` are missing in Bun's types; with the second one it listens at no other place. */
function optionsOf(
  env: SocketEnvironment,
  place: ListenPlace,
  tls: TlsListening | null,
  welcome: (socket: BunSocket) => void,
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
        welcome(adapted);
      },
      handshake(socket, success, error) {
        if (tls === null) return;
        if (!success) {
          tls.onHandshakeFailed();
          return;
        }
        const { auth } = tls.terms;
        // Without a question the runtime has an error nevertheless: that there was no certificate.
        const verdict = auth === "off" ? null : judgeCertificate(auth, shownBy(socket, error), tls.epochMs());
        handshaken(socket.data, verdict, socket.alpnProtocol || "", tls);
      },
    },
  };
}

function shownBy(socket: Socket<BunSocket>, error: Error | null): ShownCertificate {
  return {
    authorized: socket.authorized,
    error: error === null || error === undefined ? null : ((error as NodeJS.ErrnoException).code ?? error.message),
    raw: socket.getPeerCertificate()?.raw ?? null,
  };
}

/** Of one that was taken over the runtime knows no port. */
function wrap(listener: TCPSocketListener<BunSocket>, place: ListenPlace): Listening {
  const { fd = -1 } = listener as { readonly fd?: number };
  return { port: "fd" in place ? place.port : listener.port, fd, stop: () => listener.stop(false) };
}
