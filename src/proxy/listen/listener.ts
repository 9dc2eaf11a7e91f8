/** Listening sockets of a worker, which take a client in only while there are descriptors for it. */
import { type WorkerBlock, WorkerCounter } from "../../shared/layout.ts";
import type { TlsCertificate } from "../../shared/protocol.ts";
import type { Network } from "../sockets/network.ts";
import type { Listening, OnSocket, RawSocket, SocketUser } from "../sockets/raw-socket.ts";
import type { WorkerContext } from "../worker-context.ts";
import { DescriptorGuard } from "./descriptors.ts";

/** Takes a fresh socket: its user, or null when it was refused. */
export type Accept = (socket: RawSocket, secure: boolean, nowMs: number) => SocketUser | null;

/** Protocols for ALPN. Who offers others alone is refused (RFC 7301 section 3.2), and clients of HTTP/1.0 say so there. */
const ALPN_PROTOCOLS: readonly string[] = ["http/1.1", "http/1.0"];

/** Listens without TLS. Throws when the port cannot be had. */
export function listenPlain(
  ctx: WorkerContext,
  network: Network,
  accept: Accept,
  host: string,
  port: number,
): Listening {
  return network.listen(host, port, null, guarded(ctx, accept, false));
}

/** Listens with TLS 1.2 and 1.3. Throws when the port cannot be had or a certificate cannot be used. */
export function listenTls(
  ctx: WorkerContext,
  network: Network,
  accept: Accept,
  host: string,
  port: number,
  certificates: readonly TlsCertificate[],
): Listening {
  const tls = {
    certificates,
    protocols: ALPN_PROTOCOLS,
    wheel: ctx.wheel,
    handshakeTimeoutMs: () => ctx.settings.requestHeadTimeoutMs,
    lastBytesTimeoutMs: () => ctx.settings.responseBodyTimeoutMs,
    onHandshakeFailed: () => void ctx.counters[WorkerCounter.TLS_HANDSHAKE_ERRORS]++,
  };
  return network.listen(host, port, tls, guarded(ctx, accept, true));
}

/** What a client hears that there is no descriptor for. It is closed at once, so as not to need one for longer. */
const NO_DESCRIPTOR = Buffer.from(
  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n" +
    'Proxy-Status: neurabalancer; error=connection_limit_reached; details="descriptors"\r\nConnection: close\r\n\r\n',
);

/** `accept` as long as there are descriptors. */
function guarded(ctx: WorkerContext, accept: Accept, secure: boolean): OnSocket {
  const guard = new DescriptorGuard(ctx.counters);
  return (socket, nowMs) => {
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

/** Counts and logs what should not have happened. */
export function internalError(
  ctx: { counters: WorkerBlock["counters"]; log: WorkerContext["log"] },
  error: unknown,
): void {
  ctx.counters[WorkerCounter.INTERNAL_ERRORS]++;
  ctx.log.error({ err: error }, "internal error: one connection was ended");
}
