/**
 * TLS while a CA may ask by TLS-ALPN-01 (RFC 8737): who offers `acme-tls/1` gets the challenge's certificate and nothing else, all
 * others are served as ever. The runtime chooses certificates by name alone, so the first bytes are read before it gets them.
 */
import { createServer as createTcpServer, type Socket } from "node:net";
import { createSecureContext, createServer, type Server } from "node:tls";
import type { TlsCertificate } from "../../../protocol/worker.ts";
import { asksForChallenge, MAX_HELLO_BYTES } from "../client-hello.ts";
import type { HeaderWaits } from "../proxied/header-waits.ts";
import type { Listening, OnSocket } from "../raw-socket.ts";
import { Timed } from "../timer-wheel.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { type ListenPlace, listenAt } from "./listen-place.ts";
import { NodeHeaders } from "./node-headers.ts";
import { createSniServer } from "./sni-listener.ts";
import type { TlsListening } from "./tls-listening.ts";

/** Listens. @param challenges at least one. */
export function listenForChallenges(
  env: SocketEnvironment,
  place: ListenPlace,
  tls: TlsListening,
  challenges: readonly TlsCertificate[],
  onSocket: OnSocket,
  headers: HeaderWaits | null,
): Listening {
  const addresses = new NodeHeaders(headers);
  const site = createSniServer(env, tls, onSocket, addresses);
  const asked = createChallengeServer(env, challenges);
  // Before a header is taken off, nothing may be read.
  const pauseOnConnect = headers !== null;
  const server = createTcpServer({ allowHalfOpen: true, pauseOnConnect }, (socket) => {
    addresses.takeOff(socket, () => {
      const hello = new Hello(socket, tls, (isChallenge) => (isChallenge ? asked : site).emit("connection", socket));
      tls.wheel.set(hello, env.now() + tls.handshakeTimeoutMs());
      if (pauseOnConnect) socket.resume();
    });
  });
  server.on("error", env.onInternalError);
  return listenAt(server, place);
}

/** Shows the certificate, and that is all (RFC 8737 section 3). */
function createChallengeServer(env: SocketEnvironment, challenges: readonly TlsCertificate[]): Server {
  const contexts = new Map(
    challenges.map(({ names: [name], certPem: cert, keyPem: key }) => [name, createSecureContext({ cert, key })]),
  );
  const [{ certPem, keyPem }] = challenges;
  const server = createServer(
    {
      cert: certPem,
      key: keyPem,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["acme-tls/1"],
      SNICallback: (name, done) => done(null, contexts.get(name.toLowerCase())),
    },
    (socket) => {
      socket.on("error", () => {});
      socket.end();
    },
  );
  server.on("tlsClientError", () => {});
  server.on("error", env.onInternalError);
  return server;
}

/** The first bytes of a connection, until they say who it is. A deadline for those who do not send them. */
class Hello extends Timed {
  readonly #socket: Socket;
  readonly #tls: TlsListening;
  readonly #known: (isChallenge: boolean) => void;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, tls: TlsListening, known: (isChallenge: boolean) => void) {
    super();
    this.#socket = socket;
    this.#tls = tls;
    this.#known = known;
    socket.on("data", this.#onData);
    socket.on("end", this.#onGone);
    socket.on("close", this.#onGone);
    socket.on("error", this.#onGone);
    socket.on("error", () => {}); // also between us and whoever has it next
  }

  override onDeadline(): void {
    this.#tls.onHandshakeFailed();
    this.#socket.destroy();
  }

  readonly #onData = (data: Buffer): void => {
    this.#bytes = this.#bytes.length === 0 ? data : Buffer.concat([this.#bytes, data]);
    const isChallenge = this.#bytes.length > MAX_HELLO_BYTES ? false : asksForChallenge(this.#bytes);
    if (isChallenge === null) return;
    this.#letGo();
    this.#socket.pause();
    this.#socket.unshift(this.#bytes);
    this.#known(isChallenge);
  };

  readonly #onGone = (): void => {
    this.#letGo();
    this.#socket.destroy();
  };

  #letGo(): void {
    this.#tls.wheel.remove(this);
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onGone);
    this.#socket.off("close", this.#onGone);
    this.#socket.off("error", this.#onGone);
  }
}
