/** Connects sockets of the runtime to servers: plain, or TLS with the certificate verified against the server's name. */
import { checkServerIdentity } from "node:tls";
import type { Socket, SocketHandler } from "bun";
import type { TlsTarget } from "../../../shared/upstream-tls.ts";
import { Kernel, type Libc } from "../libc.ts";
import { type Dialler, TlsRefusal } from "../raw-socket.ts";
import { isAlert, isProtocolAlert } from "../tls-alert.ts";
import type { SocketEnvironment } from "./adapted-socket.ts";
import { BunSocket, EVENTS } from "./bun-socket.ts";

/** What is sent in front of TLS, by whom the runtime does not ask. */
export interface FirstBytes {
  readonly bytes: Uint8Array;
  readonly libc: Libc;
}

/**
 * @param tls null = plain.
 * @param first sent before TLS begins; null = nothing.
 * The dialler is told later, never before this returns.
 */
export function connectWithRuntime(
  env: SocketEnvironment,
  host: string,
  port: number,
  tls: TlsTarget | null,
  dialler: Dialler,
  first: FirstBytes | null,
): void {
  const adapted = new BunSocket(env, dialler, tls);
  adapted.firstBytes = first;
  try {
    Bun.connect<BunSocket>({
      hostname: host,
      port,
      allowHalfOpen: true,
      data: adapted,
      socket: tls === null ? PLAIN : TLS,
      ...(tls && { tls: optionsOf(tls) }),
    }).catch(() => {}); // connectError has told already
  } catch (error) {
    env.onInternalError(error);
    queueMicrotask(() => adapted.refused(""));
  }
}

function optionsOf({ serverName, ca, certificate, protocol }: TlsTarget) {
  const own = certificate && { cert: certificate.certPem, key: certificate.keyPem };
  const alpn = protocol && { ALPNProtocols: String.fromCharCode(protocol.length) + protocol };
  // Without a name of its own the runtime sends the address; an empty one keeps it from sending any.
  return { serverName: serverName ?? "", rejectUnauthorized: true, ...(ca && { ca }), ...own, ...alpn };
}

const PLAIN: SocketHandler<BunSocket> = {
  ...EVENTS,
  open(socket) {
    socket.data.attach(socket);
    socket.data.opened();
  },
  connectError: (socket, error) => socket.data.refused((error as NodeJS.ErrnoException).code ?? ""),
};

/** With TLS the connection is open when the handshake is through and the certificate is the server's. */
const TLS: SocketHandler<BunSocket> = {
  ...PLAIN,
  open(socket) {
    const { data } = socket;
    data.attach(socket);
    // The connection is made, and the first message of TLS waits until this returns.
    if (!sendFirst(data)) data.refused("EPIPE");
    else data.begun();
  },
  handshake(socket, success, verifyError) {
    const refusal = refusalOf(socket, success, verifyError);
    if (refusal === null) socket.data.opened();
    else socket.data.refused(refusal);
  },
};

/** Whether all of it could be sent: a fresh connection has room for much more. */
function sendFirst({ firstBytes, fd }: BunSocket): boolean {
  if (firstBytes === null) return true;
  const { bytes, libc } = firstBytes;
  return libc.call.send(fd, bytes, bytes.length, Kernel.MSG_NOSIGNAL) === bytes.length;
}

/** What a handshake ends with when the peer speaks no TLS, no version of it that we do, or goes away. */
const NOT_THE_CERTIFICATE: ReadonlySet<string> = new Set(["EPROTO", "ECONNRESET"]);

/** Both the flag and the error must be looked at: Bun reports some failures through one of them only. */
function refusalOf(socket: Socket<BunSocket>, success: boolean, verifyError: Error | null): string | null {
  if (verifyError) {
    const { code = "" } = verifyError as NodeJS.ErrnoException;
    if (isAlert(verifyError)) return isProtocolAlert(verifyError) ? TlsRefusal.PROTOCOL : TlsRefusal.ALERT;
    return NOT_THE_CERTIFICATE.has(code) ? TlsRefusal.TLS : TlsRefusal.CERTIFICATE;
  }
  if (!success) return TlsRefusal.TLS;
  const { target, env } = socket.data;
  try {
    const wrong = checkServerIdentity(target?.hostname ?? "", socket.getPeerCertificate());
    if (wrong !== undefined) return TlsRefusal.CERTIFICATE;
    const wanted = target?.protocol ?? null;
    return wanted === null || socket.alpnProtocol === wanted ? null : TlsRefusal.PROTOCOL;
  } catch (error) {
    env.onInternalError(error);
    return TlsRefusal.TLS;
  }
}
