/** Listening sockets of a worker: our own, or Bun's; TLS on Bun's; several certificates (SNI) on node:tls. */
import type { Socket, SocketHandler, TCPSocketListener, TCPSocketListenOptions } from "bun";
import { type WorkerBlock, WorkerCounter } from "../../shared/layout.ts";
import type { TlsCertificate } from "../../shared/protocol.ts";
import type { ProxyContext } from "../context.ts";
import type { ClientConnection } from "../downstream/client-connection.ts";
import { BROKEN_BEFORE, type RawSocket } from "../sockets/channel.ts";
import type { Tcp } from "../sockets/tcp.ts";
import { DescriptorGuard } from "./descriptors.ts";
import { listenWithSni } from "./sni-listener.ts";

/** An open listening socket. */
export interface Listening {
  readonly port: number;
  /** Stops accepting. Connections live on. */
  stop(): void;
}

/** Takes a fresh socket: a connection to serve, or null when it was refused. */
export type Accept = (socket: RawSocket, secure: boolean, nowMs: number) => ClientConnection | null;

/** Protocols for ALPN. Who offers others alone is refused (RFC 7301 section 3.2), and clients of HTTP/1.0 say so there. */
export const ALPN_PROTOCOLS: readonly string[] = ["http/1.1", "http/1.0"];
/** In wire format (RFC 7301 section 3.1), the only one that Bun takes. */
const ALPN = ALPN_PROTOCOLS.map((name) => String.fromCharCode(name.length) + name).join("");

/**
 * Listens without TLS. Throws when the port cannot be had.
 * @param own our own sockets, for a `host` that is an address; null = the runtime's.
 */
export function listenPlain(ctx: ProxyContext, own: Tcp | null, accept: Accept, host: string, port: number): Listening {
  const admit = guarded(ctx, accept);
  const listener = own?.listen(host, port, (socket, nowMs) => admit(socket, false, nowMs));
  if (listener) return listener;
  return wrap(Bun.listen<Accepted>(options(host, port, handlers(ctx, admit, false))));
}

/** Listens with TLS 1.2 and 1.3. Throws when the port cannot be had or a certificate cannot be used. */
export function listenTls(
  ctx: ProxyContext,
  accept: Accept,
  host: string,
  port: number,
  certificates: readonly TlsCertificate[],
): Listening {
  const [only] = certificates;
  const admit = guarded(ctx, accept);
  if (certificates.length > 1) return listenWithSni(ctx, admit, host, port, certificates);
  const tls = { cert: only.certPem, key: only.keyPem, ALPNProtocols: ALPN };
  return wrap(Bun.listen<Accepted>({ ...options(host, port, handlers(ctx, admit, true)), tls }));
}

/** What a client hears that there is no descriptor for. It is closed at once, so as not to need one for longer. */
const NO_DESCRIPTOR = Buffer.from(
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n" +
    'Proxy-Status: neurabalancer; error=connection_limit_reached; details="descriptors"\r\nConnection: close\r\n\r\n',
);

/** `accept` as long as there are descriptors. */
function guarded(ctx: ProxyContext, accept: Accept): Accept {
  const guard = new DescriptorGuard(ctx.counters);
  return (socket, secure, nowMs) => {
    if (guard.admits(nowMs)) return accept(socket, secure, nowMs);
    if (secure)
      socket.terminate(); // a response would need a handshake first
    else {
      socket.write(NO_DESCRIPTOR);
      socket.end();
    }
    return null;
  };
}

/** `reusePort` is missing in Bun's types: all workers listen on the same port and the kernel spreads connections. */
function options(
  hostname: string,
  port: number,
  socket: SocketHandler<Accepted>,
): TCPSocketListenOptions<Accepted> & { readonly reusePort: true } {
  return { hostname, port, socket, reusePort: true, allowHalfOpen: true };
}

interface Accepted {
  connection: ClientConnection | null;
}

function wrap(listener: TCPSocketListener<Accepted>): Listening {
  return { port: listener.port, stop: () => listener.stop(false) };
}

/** Handlers guard themselves: Bun does not route what they throw to `error`, and one bad request must fail alone. */
function handlers(ctx: ProxyContext, accept: Accept, secure: boolean): SocketHandler<Accepted> {
  const { now } = ctx;
  const fail = (socket: Socket<Accepted>, error: unknown): void => {
    internalError(ctx, error);
    const connection = socket.data.connection;
    if (connection === null) socket.terminate();
    else connection.onInternalError(now());
  };
  return {
    binaryType: "buffer",
    open(socket) {
      socket.data = { connection: null };
      try {
        socket.data.connection = accept(socket, secure, now());
      } catch (error) {
        fail(socket, error);
      }
    },
    handshake(socket, success) {
      if (!success) ctx.counters[WorkerCounter.TLS_HANDSHAKE_ERRORS]++;
      else socket.data.connection?.onHandshake(now());
    },
    data(socket, data) {
      try {
        socket.data.connection?.onData(data, now());
      } catch (error) {
        fail(socket, error);
      }
    },
    drain(socket) {
      try {
        socket.data.connection?.onDrain(now());
      } catch (error) {
        fail(socket, error);
      }
    },
    end(socket) {
      try {
        const { connection } = socket.data;
        if (connection?.gone) connection.onClose(now(), BROKEN_BEFORE);
        else connection?.onEnd(now());
      } catch (error) {
        fail(socket, error);
      }
    },
    close(socket, error) {
      try {
        socket.data?.connection?.onClose(now(), error);
      } catch (error) {
        fail(socket, error);
      }
    },
    error(socket, error) {
      try {
        socket.data?.connection?.onClose(now(), error);
      } catch (thrown) {
        fail(socket, thrown);
      }
    },
  };
}

/** Counts and logs what should not have happened. */
export function internalError(
  ctx: { counters: WorkerBlock["counters"]; log: ProxyContext["log"] },
  error: unknown,
): void {
  ctx.counters[WorkerCounter.INTERNAL_ERRORS]++;
  ctx.log.error({ err: error }, "internal error: one connection was ended");
}
