/** Opens sockets to servers: TCP, or TLS with the certificate verified against the server's name. */
import { checkServerIdentity } from "node:tls";
import type { Socket, SocketHandler } from "bun";
import { trustedAuthorities } from "../../shared/authorities.ts";
import type { Endpoint } from "../../shared/protocol.ts";
import { serverNameIndication } from "../../shared/server-name.ts";
import { type Failure, Failures } from "../failure.ts";
import { BROKEN_BEFORE, type RawSocket } from "../sockets/channel.ts";
import type { Dialler, Tcp } from "../sockets/tcp.ts";

/** A connection to a server, as whoever makes it sees it. */
export interface Dialled extends Dialler {
  /** Nothing was heard of its success or failure yet. */
  readonly connecting: boolean;
  /** A write has found it broken. */
  readonly gone: boolean;
  /** The server's name, which its certificate is for. */
  readonly hostname: string;
  /** There is a socket, although nothing can be sent yet: from here on giving up closes it at once. */
  begun(socket: RawSocket): void;
  failed(failure: Failure, nowMs: number): void;
}

/** Starts to connect `connection` to `endpoint`; the connection itself is told of the outcome. */
export type Dial = (endpoint: Endpoint, caPem: string, connection: Dialled) => void;

/**
 * @param own our own sockets, for servers without TLS; null = the runtime's.
 * @param now monotonic clock, milliseconds.
 * @param onInternalError told of exceptions in a handler: Bun would not route them to the socket's `error` handler. The
 * connection that met one is ended.
 */
export function createDial(own: Tcp | null, now: () => number, onInternalError: (error: unknown) => void): Dial {
  const tcp = handlers(now, onInternalError);
  const tls = tlsHandlers(tcp, now, onInternalError);
  return (endpoint, caPem, connection) => {
    try {
      const socket = endpoint.tls ? null : (own?.connect(endpoint.address, endpoint.port, connection) ?? null);
      if (socket !== null) {
        connection.begun(socket);
        return;
      }
      Bun.connect<Dialled>({
        hostname: endpoint.address,
        port: endpoint.port,
        allowHalfOpen: true,
        data: connection,
        socket: endpoint.tls ? tls : tcp,
        ...(endpoint.tls ? { tls: tlsOptions(endpoint, caPem) } : {}),
      }).catch(() => {}); // connectError has told already
    } catch (error) {
      onInternalError(error);
      queueMicrotask(() => connection.failed(Failures.CONNECT_FAILED, now()));
    }
  };
}

function tlsOptions(endpoint: Endpoint, caPem: string) {
  const ca = trustedAuthorities(caPem);
  // Without a name of its own the runtime sends the address; an empty one keeps it from sending any.
  const serverName = serverNameIndication(endpoint.hostname) ?? "";
  return { serverName, rejectUnauthorized: true, ...(ca && { ca }) };
}

function handlers(now: () => number, onInternalError: (error: unknown) => void): SocketHandler<Dialled> {
  const fail = (connection: Dialled, error: unknown): void => {
    onInternalError(error);
    connection.onClose(now());
  };
  return {
    binaryType: "buffer",
    open(socket) {
      try {
        socket.data.opened(socket, now());
      } catch (error) {
        fail(socket.data, error);
      }
    },
    data(socket, data) {
      try {
        socket.data.onData(data, now());
      } catch (error) {
        fail(socket.data, error);
      }
    },
    drain(socket) {
      try {
        socket.data.onDrain(now());
      } catch (error) {
        fail(socket.data, error);
      }
    },
    end(socket) {
      try {
        if (socket.data.gone) socket.data.onClose(now(), BROKEN_BEFORE);
        else socket.data.onEnd(now());
      } catch (error) {
        fail(socket.data, error);
      }
    },
    close(socket, error) {
      try {
        socket.data.onClose(now(), error);
      } catch (error) {
        fail(socket.data, error);
      }
    },
    error(socket, error) {
      try {
        socket.data.onClose(now(), error);
      } catch (error) {
        fail(socket.data, error);
      }
    },
    connectError(socket, error) {
      try {
        socket.data.refused((error as NodeJS.ErrnoException).code ?? "", now());
      } catch (thrown) {
        fail(socket.data, thrown);
      }
    },
  };
}

/** With TLS the connection is open when the handshake is through and the certificate is the server's. */
function tlsHandlers(
  tcp: SocketHandler<Dialled>,
  now: () => number,
  onInternalError: (error: unknown) => void,
): SocketHandler<Dialled> {
  return {
    ...tcp,
    open(socket) {
      socket.data.begun(socket);
    },
    close(socket, error) {
      // Before the handshake is through there is no exchange that an end could belong to.
      if (socket.data.connecting) socket.data.failed(Failures.TLS_FAILED, now());
      else tcp.close?.(socket, error);
    },
    handshake(socket, success, verifyError) {
      try {
        const failure = handshakeFailure(socket, success, verifyError);
        if (failure === null) {
          socket.data.opened(socket, now());
          return;
        }
        socket.data.failed(failure, now());
        socket.terminate();
      } catch (error) {
        onInternalError(error);
        socket.data.failed(Failures.TLS_FAILED, now());
        socket.terminate();
      }
    },
  };
}

/** What a handshake ends with when the peer speaks no TLS, no version of it that we do, or goes away. */
const NOT_THE_CERTIFICATE: ReadonlySet<string> = new Set(["EPROTO", "ECONNRESET"]);

/** Both the flag and the error must be looked at: Bun reports some failures through one of them only. */
function handshakeFailure(socket: Socket<Dialled>, success: boolean, verifyError: Error | null): Failure | null {
  if (verifyError) {
    const { code = "" } = verifyError as NodeJS.ErrnoException;
    return NOT_THE_CERTIFICATE.has(code) ? Failures.TLS_FAILED : Failures.TLS_CERTIFICATE;
  }
  if (!success) return Failures.TLS_FAILED;
  const identity = checkServerIdentity(socket.data.hostname, socket.getPeerCertificate());
  return identity === undefined ? null : Failures.TLS_CERTIFICATE;
}
