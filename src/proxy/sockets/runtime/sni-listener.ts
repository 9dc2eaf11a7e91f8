/**
 * TLS with several certificates, chosen by server name (SNI, RFC 6066 section 3). Bun's own listener takes one
 * certificate only, so this goes through node:tls. It costs about a third more CPU per request than one certificate does.
 */
import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext, type Server } from "node:tls";
import type { Listening, OnSocket } from "../raw-socket.ts";
import { Timed } from "../timer-wheel.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { type ListenPlace, listenAt } from "./listen-place.ts";
import { NodeSocket } from "./node-socket.ts";
import type { TlsListening } from "./tls-listening.ts";

/** Listens; the first certificate serves clients that name no server, or none of ours. */
export function listenWithSni(
  env: SocketEnvironment,
  place: ListenPlace,
  tls: TlsListening,
  onSocket: OnSocket,
): Listening {
  return listenAt(createSniServer(env, tls, onSocket), place);
}

/** As `listenWithSni`, for connections that somebody else accepts and hands over as its event `connection`. */
export function createSniServer(env: SocketEnvironment, tls: TlsListening, onSocket: OnSocket): Server {
  const { certificates } = tls;
  const contexts = certificates.map((c) => ({
    names: c.names,
    context: createSecureContext({ cert: c.certPem, key: c.keyPem }),
  }));
  const handshakes = new Handshakes(env, tls);
  const server = createServer(
    {
      cert: certificates[0].certPem,
      key: certificates[0].keyPem,
      minVersion: "TLSv1.2",
      ALPNProtocols: [...tls.protocols],
      allowHalfOpen: true,
      SNICallback: (name, done) => done(null, contextFor(name.toLowerCase(), contexts)),
    },
    (socket) => {
      handshakes.end(socket);
      const adapted = new NodeSocket(env, socket, tls);
      adapted.accept(onSocket);
      adapted.handshaken(socket.alpnProtocol || "");
    },
  );
  server.on("connection", (socket: Socket) => handshakes.begin(socket));
  server.on("tlsClientError", tls.onHandshakeFailed);
  server.on("error", env.onInternalError);
  return server;
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
