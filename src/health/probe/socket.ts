/**
 * The connection of a probe. In the usual case, when the server accepted the last one, it is the runtime's own socket,
 * which costs half of what `node:net` does; but its connect cannot be cancelled and does not say what went wrong. So what
 * fails to connect is tried again on `node:net`, and so is every probe until the server accepts again: there `destroy()`
 * gives the descriptor back at once even while the kernel still tries to connect (a server whose accept queue is full).
 * What is left behind is one connect for each server that stops answering, until the kernel gives it up.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { serverNameIndication } from "../../shared/sni.ts";

/** What it is called in ALPN. */
const HTTP_2 = "h2";

/** Where a probe goes. */
export interface ProbeTarget {
  /** IP address to connect to. */
  readonly address: string;
  readonly port: number;
  /** Name in the URL: `Host`, TLS server name and certificate check. */
  readonly hostname: string;
  readonly tls: boolean;
  /** It speaks HTTP/2: with TLS, that has to be agreed on. Default: HTTP/1.1. */
  readonly http2?: boolean;
  /** Name for TLS instead: what is asked for, and what the certificate has to be for. */
  readonly serverName?: string | null;
}

/** Who is told what happens; nothing after `close`. */
export interface ProbeSocketUser {
  /** Sent as soon as the connection is made; empty = nothing. */
  readonly request: Uint8Array;
  /** And what is sent in front of it, and of TLS; null = nothing. */
  readonly preface: Buffer | null;
  /** The connection is made. */
  onOpen(): void;
  onData(packet: Buffer): void;
  /** The server sends nothing more. */
  onEnd(): void;
  onError(error: NodeJS.ErrnoException): void;
}

/** A connection, or the attempt to make one. */
export interface ProbeSocket {
  /** Ends it at once. May be called twice. */
  close(): void;
}

/** Connects by what costs least: for a server that accepted the last probe. Plain TCP only. */
export function openQuickly(target: ProbeTarget, user: ProbeSocketUser): ProbeSocket {
  let closed = false;
  let connected: Bun.Socket<undefined> | null = null;
  let instead: ProbeSocket | null = null;
  const end = (): void => {
    if (!closed) user.onEnd();
  };
  const startAgain = (): void => {
    if (!closed) instead ??= openCancellably(target, undefined, user);
  };
  const socket: Bun.SocketHandler<undefined> = {
    open: (opened) => {
      connected = opened;
      if (closed) {
        opened.end();
        return;
      }
      opened.write(user.preface === null ? user.request : Buffer.concat([user.preface, user.request]));
      user.onOpen();
    },
    data: (_opened, packet) => {
      if (!closed) user.onData(packet);
    },
    end,
    close: (_opened, error) => {
      if (closed) return;
      if (error === undefined || error === null) user.onEnd();
      else user.onError(error);
    },
    error: (_opened, error) => {
      if (!closed) user.onError(error);
    },
    connectError: startAgain,
  };
  Bun.connect<undefined>({ hostname: target.address, port: target.port, socket }).catch(startAgain);
  return {
    close: () => {
      if (closed) return;
      closed = true;
      connected?.end(); // not `terminate`: a reset with each check would stand in the server's log
      instead?.close();
    },
  };
}

/**
 * Connects so that it can be cancelled at any time.
 * @param trust for TLS.
 */
export function openCancellably(
  target: ProbeTarget,
  trust: SecureContext | undefined,
  user: ProbeSocketUser,
): ProbeSocket {
  if (target.tls && user.preface !== null) return openBehind(user.preface, target, trust, user);
  const socket = open(target, trust);
  if (user.preface !== null) socket.write(user.preface); // it goes first, once there is a connection
  follow(socket, target, user);
  return { close: () => socket.destroy() };
}

/** TLS begins behind the preface, and so on a connection that is there. */
function openBehind(
  preface: Buffer,
  target: ProbeTarget,
  trust: SecureContext | undefined,
  user: ProbeSocketUser,
): ProbeSocket {
  const raw = connectTcp({ host: target.address, port: target.port });
  let secure: Socket | null = null;
  let closed = false;
  raw.on("connect", () => {
    if (closed) return;
    raw.write(preface, () => {
      if (closed) return;
      secure = openTls(target, trust, raw);
      follow(secure, target, user);
    });
  });
  // What befalls it later, TLS tells.
  raw.on("error", (error: NodeJS.ErrnoException) => {
    if (secure === null && !closed) user.onError(error);
  });
  raw.on("close", () => {
    if (secure === null && !closed) user.onEnd();
  });
  return {
    close: () => {
      closed = true;
      secure?.destroy();
      raw.destroy();
    },
  };
}

function follow(socket: Socket, target: ProbeTarget, user: ProbeSocketUser): void {
  socket.on(target.tls ? "secureConnect" : "connect", () => {
    if (target.tls && target.http2 && (socket as TLSSocket).alpnProtocol !== HTTP_2) {
      user.onError(new Error("the server does not agree on HTTP/2 (ALPN h2)"));
      return;
    }
    if (user.request.length > 0) socket.write(user.request);
    user.onOpen();
  });
  socket.on("data", (packet: Buffer) => user.onData(packet));
  socket.on("end", () => user.onEnd());
  socket.on("close", () => user.onEnd());
  socket.on("error", (error: NodeJS.ErrnoException) => user.onError(error));
}

function open(target: ProbeTarget, trust: SecureContext | undefined): Socket {
  const { address: host, port } = target;
  return target.tls ? openTls(target, trust) : connectTcp({ host, port });
}

/** @param socket to speak TLS on; not there = it makes its own connection. */
function openTls(
  { address: host, port, hostname, serverName, http2 }: ProbeTarget,
  trust: SecureContext | undefined,
  socket?: Socket,
): Socket {
  // Without a name the certificate is checked against `host`.
  const servername = serverNameIndication(serverName ?? hostname);
  return connectTls({
    host,
    port,
    ...(socket && { socket }),
    ...(servername && { servername }),
    ...(trust && { secureContext: trust }),
    ...(http2 && { ALPNProtocols: [HTTP_2] }),
  });
}
