/**
 * What the proxy asks of a socket, whoever's it is, and what a socket tells. There are four kinds: our own (tcp.ts), and of
 * the runtime (runtime/) plain ones, those with TLS, and those with TLS by server name. All of them say the same of the
 * same; test/integration/proxy/sockets/socket-contract.ts says what that is.
 */

import type { ClientCertificate } from "./client-certificate.ts";

/** One socket. */
export interface RawSocket {
  /** Bytes taken: possibly fewer than given, 0 when full, -1 when the peer is gone. */
  write(data: Uint8Array, offset?: number, length?: number): number;
  /** Closes both directions once what was written is sent. Nothing more is heard of it. */
  end(): void;
  /** Closes the sending direction (FIN) and goes on receiving. */
  shutdown(): void;
  /** Closes with a reset: the peer sees an error, not a clean end. Nothing more is heard of it. */
  terminate(): void;
  pause(): void;
  resume(): void;
  /** From here on `user` is told what happens on it. */
  passTo(user: SocketUser): void;
  /** Of the peer; behind a proxy that says whose connection it is, the client's. */
  readonly remoteAddress: string;
  /** -1 = closed. */
  readonly fd: number;
  /** Bytes that it took and did not hand to the system yet. */
  readonly heldBytes?: number;
  /** Of TLS, as OpenSSL names it: `TLSv1.3`; "" = there is none, or nobody knows. */
  readonly tlsVersion?: string;
  /** Of TLS, of a client: what it has shown and was verified, once the handshake is through; null = nothing. */
  readonly clientCertificate?: ClientCertificate | null;
  /** There may be bytes, or an end, that were not read yet. Only our own sockets know. */
  readonly unread?: boolean;
  /** Nothing is expected of the peer: what came is looked at before anybody can make use of it. Only our own sockets care. */
  idle: boolean;
}

/** Who is told what happens on a socket: the connections of clients and of servers are. */
export interface SocketUser {
  /**
   * Of a client's socket: TLS is through.
   * @param protocol what was agreed on by ALPN; "" = nothing.
   * @returns who is told what happens from here on: itself, unless another one speaks that protocol.
   */
  onHandshake?(nowMs: number, protocol: string): SocketUser;
  /** `data` may be borrowed: see receive-memory.ts. */
  onData(data: Buffer, nowMs: number): void;
  /** A socket that was full has room. */
  onDrain(nowMs: number): void;
  /** The peer sends nothing more. */
  onEnd(nowMs: number): void;
  /** As `onEnd`, while what the peer sent before is unread because reading is paused. Only our own sockets tell. */
  onEndAhead?(nowMs: number): void;
  /**
   * Closed in both directions, or broken by `error`: it lets go of the socket, which is what closes the descriptor. Nothing
   * more is heard of it.
   */
  onClose(nowMs: number, error?: Error): void;
  /** Reading is paused and the peer has reset the connection: what it sent before is still to be read. */
  readonly wantsRest: boolean;
  /** Something above threw. */
  onInternalError(nowMs: number): void;
}

/** Who waits for a connection to be made. */
export interface Dialler extends SocketUser {
  /**
   * There is a socket, although nothing can be sent yet: from here on giving up closes it at once. With TLS, its handshake
   * begins.
   */
  begun(socket: RawSocket, nowMs: number): void;
  /** The handshake is through (TCP, and TLS where there is any). */
  opened(socket: RawSocket, nowMs: number): void;
  /** @param code the name of the system's error, as `ECONNREFUSED`, or one of `TlsRefusal`; "" when nobody knows. */
  refused(code: string, nowMs: number): void;
}

/** Why TLS with a server did not come about. */
export const TlsRefusal = {
  /** The server speaks no TLS, no version of it that we do, or went away. */
  TLS: "ERR_TLS_HANDSHAKE",
  /** The server said no, by an alert (RFC 8446 section 6.2). */
  ALERT: "ERR_TLS_ALERT",
  /** Nobody vouches for its certificate, or it is another's. */
  CERTIFICATE: "ERR_TLS_CERTIFICATE",
  /** It does not speak the protocol that was asked for by ALPN: it chose none, or said so. */
  PROTOCOL: "ERR_TLS_PROTOCOL",
} as const;

/** Takes a fresh socket of a client: its user, or null when it is refused. */
export type OnSocket = (socket: RawSocket, nowMs: number) => SocketUser | null;

/** An open listening socket. */
export interface Listening {
  readonly port: number;
  /** Its descriptor; -1 = not known. */
  readonly fd: number;
  /** Stops accepting. Connections live on. */
  stop(): void;
}

/**
 * A descriptor of a socket that listens already, for a listener that takes the place of another one: who waits to be accepted is the
 * socket's, and would be reset if it were closed.
 */
export interface TakenOver {
  readonly fd: number;
  readonly port: number;
}
