/** One listening socket of a worker, which takes a client in only while there is a descriptor for it. */

import type { TlsCertificate } from "../../protocol/worker.ts";
import { WorkerCounter } from "../../shared/memory/layout/shared-memory.ts";
import type { Network } from "../sockets/network.ts";
import type { Listening, OnSocket, RawSocket, SocketUser, TakenOver } from "../sockets/raw-socket.ts";
import type { TlsListening } from "../sockets/runtime/tls-listening.ts";
import type { WorkerContext } from "../worker-context.ts";
import { DescriptorGuard } from "./descriptors.ts";

/** Where, and with what, is listened. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** For TLS 1.2 and 1.3; null = without. */
  readonly certificates: readonly TlsCertificate[] | null;
  /** What CAs are shown that ask for `acme-tls/1`; null = none asks. */
  readonly challenges: readonly TlsCertificate[] | null;
}

/** Takes a fresh socket of a listener on `port`: its user, or null when it was refused. */
export type Accept = (socket: RawSocket, secure: boolean, port: number, nowMs: number) => SocketUser | null;

/** Protocols for ALPN. Who offers others alone is refused (RFC 7301 section 3.2), and clients of HTTP/1.0 say so there. */
const ALPN_PROTOCOLS: readonly string[] = ["http/1.1", "http/1.0"];

/**
 * @param takenOver with TLS: instead of a socket of its own.
 * Throws an `Error` for the operator when the port cannot be had or a certificate cannot be used.
 */
export function listen(
  ctx: WorkerContext,
  network: Network,
  accept: Accept,
  options: ListenerOptions,
  takenOver: TakenOver | null,
): Listening {
  const { host, port, certificates, challenges } = options;
  try {
    // Nobody is accepted before this returns: by then it is known which port was found where any would do.
    let found = port;
    const onSocket = guarded(ctx, (socket, nowMs) => accept(socket, !!certificates, found, nowMs), !!certificates);
    const listening = network.listen(
      host,
      port,
      certificates && tlsOf(ctx, certificates, challenges),
      onSocket,
      takenOver,
    );
    found = listening.port;
    return listening;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      code === "EADDRINUSE" ? "the port is in use" : code === "EACCES" ? "permission denied" : (code ?? message);
    throw new Error(`cannot listen on ${host.includes(":") ? `[${host}]` : host}:${port}: ${why}`, { cause });
  }
}

function tlsOf(
  ctx: WorkerContext,
  certificates: readonly TlsCertificate[],
  challenges: readonly TlsCertificate[] | null,
): TlsListening {
  return {
    certificates,
    challenges,
    protocols: ALPN_PROTOCOLS,
    wheel: ctx.wheel,
    handshakeTimeoutMs: () => ctx.settings.requestHeadTimeoutMs,
    lastBytesTimeoutMs: () => ctx.settings.responseBodyTimeoutMs,
    onHandshakeFailed: () => void ctx.counters[WorkerCounter.TLS_HANDSHAKE_ERRORS]++,
  };
}

/** What a client hears that there is no descriptor for. It is closed at once, so as not to need one for longer. */
const NO_DESCRIPTOR = Buffer.from(
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n" +
    'Proxy-Status: neurabalancer; error=connection_limit_reached; details="descriptors"\r\nConnection: close\r\n\r\n',
);

/** `accept` as long as there are descriptors. */
function guarded(ctx: WorkerContext, accept: OnSocket, secure: boolean): OnSocket {
  const guard = new DescriptorGuard(ctx.counters);
  return (socket, nowMs) => {
    if (guard.admits(nowMs)) return accept(socket, nowMs);
    if (secure)
      socket.terminate(); // a response would need a handshake first
    else {
      socket.write(NO_DESCRIPTOR);
      socket.end();
    }
    return null;
  };
}
