/** One listening socket of a worker, which takes a client in only while there is a descriptor for it. */

import type { ClientTls, TlsCertificate } from "../../protocol/worker.ts";
import { AddressRanges } from "../../shared/addresses/address-ranges.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { Entrance } from "../downstream/entrance.ts";
import { HTTP_2_PROTOCOL } from "../http2/frames/layout.ts";
import type { Network } from "../sockets/network.ts";
import type { HeaderTerms } from "../sockets/proxied/header-terms.ts";
import type { Listening, OnSocket, RawSocket, SocketUser, TakenOver } from "../sockets/raw-socket.ts";
import type { TlsListening } from "../sockets/runtime/tls-listening.ts";
import type { WorkerContext } from "../worker-context.ts";
import { DescriptorGuard } from "./descriptors.ts";

/** Where, and with what, is listened. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** For TLS; null = without. */
  readonly certificates: readonly TlsCertificate[] | null;
  /** How TLS is spoken; null = not at all. */
  readonly terms: ClientTls | null;
  /** Who says by the PROXY protocol whose connections he makes; null = nobody. */
  readonly headersFrom: readonly string[] | null;
  /** What CAs are shown that ask for `acme-tls/1`; null = none asks. */
  readonly challenges: readonly TlsCertificate[] | null;
  /** ALPN offers HTTP/2. In clear nothing is offered: the entrance says whether it is spoken. */
  readonly http2: boolean;
}

/** Takes a fresh socket that came in there: its user, or null when it was refused. */
export type Accept = (socket: RawSocket, entrance: Entrance, nowMs: number) => SocketUser | null;

/**
 * Protocols for ALPN, the best first. Who offers others alone is refused (RFC 7301 section 3.2), and clients of HTTP/1.0 say so
 * there.
 */
const HTTP_1_PROTOCOLS: readonly string[] = ["http/1.1", "http/1.0"];
const ALL_PROTOCOLS: readonly string[] = [HTTP_2_PROTOCOL, ...HTTP_1_PROTOCOLS];

/**
 * Listens. Nobody is accepted before this returns: by then it is known which port was found where any would do.
 * @param takenOver instead of a socket of its own.
 * Throws an `Error` for the operator when the port cannot be had or a certificate cannot be used.
 */
export function listen(
  ctx: WorkerContext,
  network: Network,
  accept: Accept,
  options: ListenerOptions,
  entrance: Entrance,
  takenOver: TakenOver | null,
): Listening {
  const { host, port, certificates, headersFrom } = options;
  try {
    const onSocket = guarded(ctx, (socket, nowMs) => accept(socket, entrance, nowMs), entrance.secure);
    const tls = certificates && tlsOf(ctx, certificates, options);
    return network.listen(host, port, tls, onSocket, headersFrom && headersOf(ctx, headersFrom), takenOver);
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
  { terms, challenges, http2 }: Pick<ListenerOptions, "terms" | "challenges" | "http2">,
): TlsListening {
  if (terms === null) throw new Error("it is not said how TLS is to be spoken");
  return {
    certificates,
    challenges,
    terms,
    epochMs: () => ctx.now() + ctx.epochOffsetMs,
    protocols: http2 ? ALL_PROTOCOLS : HTTP_1_PROTOCOLS,
    wheel: ctx.wheel,
    handshakeTimeoutMs: () => ctx.settings.requestHeadTimeoutMs,
    lastBytesTimeoutMs: () => ctx.settings.responseBodyTimeoutMs,
    onHandshakeFailed: (reason) => {
      ctx.counters[WorkerCounter.TLS_HANDSHAKE_ERRORS]++;
      if (reason !== undefined) ctx.log.debug({ reason }, "a client's certificate is refused");
    },
  };
}

/** Between two lines about connections without a header, milliseconds. */
const SAID_AGAIN_MS = 60_000;

function headersOf(ctx: WorkerContext, from: readonly string[]): HeaderTerms {
  const trusted = new AddressRanges(from);
  let saidMs = Number.NEGATIVE_INFINITY;
  return {
    trusts: (address) => trusted.includes(address),
    wheel: ctx.wheel,
    timeoutMs: () => ctx.settings.requestHeadTimeoutMs,
    onRefused: (address, reason) => {
      ctx.counters[WorkerCounter.PROXY_HEADERS_REFUSED]++;
      const nowMs = ctx.now();
      if (nowMs - saidMs < SAID_AGAIN_MS) return;
      saidMs = nowMs;
      ctx.log.warn(
        { address, reason },
        `a connection of ${address} is refused: its header of the PROXY protocol ${reason}`,
      );
    },
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
