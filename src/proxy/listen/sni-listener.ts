/**
 * TLS with several certificates, chosen by server name (SNI, RFC 6066 section 3). Bun's own listener takes one
 * certificate only, so this goes through node:tls, whose sockets are dressed up as what the proxy expects. It costs
 * about a third more CPU per request than one certificate does.
 */
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext, type TLSSocket } from "node:tls";
import { WorkerCounter } from "../../shared/layout.ts";
import type { TlsCertificate } from "../../shared/protocol.ts";
import type { ProxyContext } from "../context.ts";
import { BROKEN_BEFORE, type RawSocket } from "../sockets/channel.ts";
import { Timed } from "../sockets/timer-wheel.ts";
import { type Accept, ALPN_PROTOCOLS, internalError, type Listening } from "./listener.ts";

/** Listens; the first certificate serves clients that name no server, or none of ours. */
export function listenWithSni(
  ctx: ProxyContext,
  accept: Accept,
  host: string,
  port: number,
  certificates: readonly TlsCertificate[],
): Listening {
  const contexts = certificates.map((c) => ({
    names: c.names,
    context: createSecureContext({ cert: c.certPem, key: c.keyPem }),
  }));
  const handshakes = new Handshakes(ctx);
  const server = createServer(
    {
      cert: certificates[0].certPem,
      key: certificates[0].keyPem,
      minVersion: "TLSv1.2",
      ALPNProtocols: [...ALPN_PROTOCOLS],
      allowHalfOpen: true,
      SNICallback: (name, done) => done(null, contextFor(name.toLowerCase(), contexts)),
    },
    (socket) => {
      handshakes.end(socket);
      serve(ctx, accept, socket);
    },
  );
  server.on("connection", (socket: Socket) => handshakes.begin(socket));
  server.on("tlsClientError", () => ctx.counters[WorkerCounter.TLS_HANDSHAKE_ERRORS]++);
  server.on("error", (error) => internalError(ctx, error));
  server.listen({ host, port, reusePort: true });
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}

/** Ends handshakes that take longer than a request's head may: Bun ignores the `handshakeTimeout` of node:tls. */
class Handshakes {
  readonly #ctx: ProxyContext;
  readonly #pending = new Map<Socket, Timed>();

  constructor(ctx: ProxyContext) {
    this.#ctx = ctx;
  }

  begin(socket: Socket): void {
    const { wheel, settings, now } = this.#ctx;
    const deadline = new HandshakeDeadline(socket);
    this.#pending.set(socket, deadline);
    wheel.set(deadline, now() + settings.requestHeadTimeoutMs);
    socket.once("close", () => this.end(socket));
  }

  end(socket: Socket): void {
    const deadline = this.#pending.get(socket);
    if (deadline === undefined) return;
    this.#pending.delete(socket);
    this.#ctx.wheel.remove(deadline);
  }
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

function serve(ctx: ProxyContext, accept: Accept, socket: TLSSocket): void {
  const { now } = ctx;
  const connection = accept(new SniSocket(ctx, socket), true, now());
  if (connection === null) return;
  connection.onHandshake(now());
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      internalError(ctx, error);
      connection.onInternalError(now());
    }
  };
  socket.on("data", (data: Buffer) => guarded(() => connection.onData(data, now())));
  socket.on("drain", () => guarded(() => connection.onDrain(now())));
  socket.on("end", () =>
    guarded(() => (connection.gone ? connection.onClose(now(), BROKEN_BEFORE) : connection.onEnd(now()))),
  );
  socket.on("close", () => guarded(() => connection.onClose(now())));
  socket.on("error", (error) => guarded(() => connection.onClose(now(), error)));
}

/**
 * A node:tls socket with the manners of Bun's: partial writes instead of an unbounded queue. What it took it may still hold
 * when it is ended, and nobody else waits for that then: so it has a deadline of its own.
 */
class SniSocket extends Timed implements RawSocket {
  readonly #ctx: ProxyContext;
  readonly #socket: TLSSocket;
  readonly remoteAddress: string;
  #held = 0;

  constructor(ctx: ProxyContext, socket: TLSSocket) {
    super();
    this.#ctx = ctx;
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress ?? "";
  }

  write(data: Uint8Array, offset = 0, length = data.length - offset): number {
    if (this.#socket.destroyed) return -1;
    if (this.#socket.writableNeedDrain) return 0;
    // The stream keeps what it is given, and the caller's memory is used again: it gets a copy.
    this.#socket.write(new Uint8Array(data.subarray(offset, offset + length)));
    return length;
  }

  get fd(): number {
    return (this.#socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd ?? -1;
  }

  get heldBytes(): number {
    return this.#socket.writableLength;
  }

  end(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (socket.writableFinished) {
      socket.destroy();
      return;
    }
    socket.end();
    socket.once("finish", () => socket.destroySoon());
    this.#held = socket.writableLength;
    this.#ctx.wheel.set(this, this.#ctx.now() + this.#ctx.settings.responseBodyTimeoutMs);
    socket.once("close", () => this.#ctx.wheel.remove(this));
  }

  /** Nothing of it was taken for too long. */
  override onDeadline(nowMs: number): void {
    const held = this.#socket.writableLength;
    if (held === 0 || held >= this.#held) {
      this.#socket.resetAndDestroy();
      return;
    }
    this.#held = held;
    this.#ctx.wheel.set(this, nowMs + this.#ctx.settings.responseBodyTimeoutMs);
  }

  shutdown(): void {
    this.#socket.end();
  }

  terminate(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
