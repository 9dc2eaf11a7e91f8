/**
 * TLS with several certificates, chosen by server name (SNI, RFC 6066 section 3). Bun's own listener takes one
 * certificate only, so this goes through node:tls. It costs about a third more CPU per request than one certificate does.
 */
import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { judgeCertificate, type ShownCertificate } from "../client-certificate.ts";
import type { HeaderWaits } from "../proxied/header-waits.ts";
import type { Listening, OnSocket } from "../raw-socket.ts";
import { Timed } from "../timer-wheel.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { handshaken } from "./handshaken.ts";
import { type ListenPlace, listenAt } from "./listen-place.ts";
import { NodeHeaders } from "./node-headers.ts";
import { NodeSocket } from "./node-socket.ts";
import type { TlsListening } from "./tls-listening.ts";
import { sharedOptions, VERSION_NAMES } from "./tls-options.ts";

/** Listens; the first certificate serves clients that name no server, or none of ours. */
export function listenWithSni(
  env: SocketEnvironment,
  place: ListenPlace,
  tls: TlsListening,
  onSocket: OnSocket,
  headers: HeaderWaits | null,
): Listening {
  const addresses = new NodeHeaders(headers);
  const server = createSniServer(env, tls, onSocket, addresses);
  server.on("connection", (socket: Socket) => addresses.takeOff(socket, () => {}));
  return listenAt(server, place);
}

/**
 * As `listenWithSni`, for connections that somebody else accepts and hands over as its event `connection`.
 * @param addresses whose they are; headers are taken off by whoever accepts them.
 */
export function createSniServer(
  env: SocketEnvironment,
  tls: TlsListening,
  onSocket: OnSocket,
  addresses: NodeHeaders,
): Server {
  const { certificates, terms } = tls;
  // Whoever names a server has its context, with all that was agreed on; whoever names none has the listener's own.
  const shared = { ...sharedOptions(terms), minVersion: VERSION_NAMES[terms.minVersion] };
  const contexts = certificates.map((c) => ({
    names: c.names,
    context: createSecureContext({ cert: c.certPem, key: c.keyPem, ...shared }),
  }));
  const handshakes = new Handshakes(env, tls);
  const server = createServer(
    {
      cert: certificates[0].certPem,
      key: certificates[0].keyPem,
      ...shared,
      ALPNProtocols: [...tls.protocols],
      allowHalfOpen: true,
      SNICallback: (name, done) => done(null, contextFor(name.toLowerCase(), contexts)),
    },
    (socket) => {
      handshakes.end(socket);
      const adapted = new NodeSocket(env, socket, tls);
      adapted.clientAddress = addresses.clientOf(socket);
      adapted.accept(onSocket);
      const verdict = terms.auth === "off" ? null : judgeCertificate(terms.auth, shownBy(socket), tls.epochMs());
      handshaken(adapted, verdict, socket.alpnProtocol || "", tls);
    },
  );
  server.on("connection", (socket: Socket) => handshakes.begin(socket));
  server.on("tlsClientError", () => tls.onHandshakeFailed());
  server.on("error", env.onInternalError);
  return server;
}

function shownBy(socket: TLSSocket): ShownCertificate {
  const error = socket.authorizationError as Error | string | null | undefined;
  return {
    authorized: socket.authorized,
    error: error === null || error === undefined ? null : String((error as NodeJS.ErrnoException).code ?? error),
    raw: socket.getPeerCertificate()?.raw ?? null,
  };
}

/** Ends handshakes that take too long: Bun ignores the `handshakeTimeout` of node:tls. */
class Handshakes {
  readonly #env: SocketEnvironment;
  readonly #tls: TlsListening;
  /** By peer: what is accepted elsewhere is another object when the handshake is through. */
  readonly #pending = new Map<string, Timed>();

  constructor(env: SocketEnvironment, tls: TlsListening) {
    this.#env = env;
    this.#tls = tls;
  }

  begin(socket: Socket): void {
    const { wheel, handshakeTimeoutMs } = this.#tls;
    const deadline = new HandshakeDeadline(socket);
    const peer = peerOf(socket);
    this.#end(peer);
    this.#pending.set(peer, deadline);
    wheel.set(deadline, this.#env.now() + handshakeTimeoutMs());
    socket.once("close", () => this.#end(peer, deadline));
  }

  end(socket: Socket): void {
    this.#end(peerOf(socket));
  }

  /** @param only if it is this one: the next connection may have the same peer. */
  #end(peer: string, only?: Timed): void {
    const deadline = this.#pending.get(peer);
    if (deadline === undefined || (only !== undefined && only !== deadline)) return;
    this.#pending.delete(peer);
    this.#tls.wheel.remove(deadline);
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

class HandshakeDeadline extends Timed {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  override onDeadline(): void {
    this.#socket.destroy();
  }
}

interface NamedContext {
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** An exact name wins over a wildcard, which stands for one label (RFC 6125 section 6.4.3). */
function contextFor(name: string, contexts: readonly NamedContext[]): SecureContext {
  const wildcard = `*${name.slice(name.indexOf("."))}`;
  const found =
    contexts.find(({ names }) => names.includes(name)) ?? contexts.find(({ names }) => names.includes(wildcard));
  return (found ?? contexts[0]).context;
}
