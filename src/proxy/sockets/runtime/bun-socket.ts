/** Bun's sockets, plain and with TLS, as the proxy sees them. Their buffers are ours to keep. */
import type { Socket, SocketHandler } from "bun";
import type { TlsTarget } from "../../../shared/upstream-tls.ts";
import type { Libc } from "../libc.ts";
import { type Dialler, TlsRefusal } from "../raw-socket.ts";
import { AdaptedSocket, type SocketEnvironment } from "./adapted-socket.ts";

export class BunSocket extends AdaptedSocket {
  #socket: Socket<BunSocket> | null = null;
  /** Told how the connecting ends; null afterwards, and of a client's socket. */
  #dialler: Dialler | null;
  /** Of a server with TLS: what its certificate has to be for, and what it has to speak. */
  readonly target: TlsTarget | null;
  /** Of a server with TLS: what is sent to it before that. */
  firstBytes: { readonly bytes: Uint8Array; readonly libc: Libc } | null = null;

  constructor(env: SocketEnvironment, dialler: Dialler | null = null, target: TlsTarget | null = null) {
    super(env);
    this.#dialler = dialler;
    this.target = target;
    this.user = dialler;
  }

  /** There is a socket. */
  attach(socket: Socket<BunSocket>): void {
    this.#socket = socket;
    socket.data = this;
  }

  // ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** As `Dialler` says. */
  begun(): void {
    try {
      this.#dialler?.begun(this, this.env.now());
    } catch (error) {
      this.threw(error);
    }
  }

  /** As `Dialler` says. */
  opened(): void {
    const dialler = this.#dialler;
    this.#dialler = null;
    if (this.silent) return;
    try {
      dialler?.opened(this, this.env.now());
    } catch (error) {
      this.threw(error);
    }
  }

  /** As `Dialler` says. */
  refused(code: string): void {
    const dialler = this.#dialler;
    this.#dialler = null;
    if (this.silent) return;
    this.terminate();
    try {
      dialler?.refused(code, this.env.now());
    } catch (error) {
      this.threw(error);
    }
  }

  /** Before the connection is made there is nobody that an end could belong to. */
  override ended(): void {
    if (this.#dialler === null) super.ended();
    else this.closed();
  }

  override closed(error?: Error): void {
    if (this.#dialler === null) super.closed(error);
    else this.refused(this.target === null ? "" : TlsRefusal.TLS);
  }

  // ── AdaptedSocket ────────────────────────────────────────────────────────────────────────────────────────────────

  protected get peerAddress(): string {
    return this.#socket?.remoteAddress ?? "";
  }

  get tlsVersion(): string {
    return this.#socket?.getTLSVersion?.() ?? "";
  }

  /** The types do not say so. */
  protected get descriptor(): number {
    return (this.#socket as { readonly fd?: number } | null)?.fd ?? -1;
  }

  protected writeNow(data: Uint8Array, offset: number, length: number): number {
    return this.#socket?.write(data, offset, length) ?? -1;
  }

  protected endNow(): void {
    this.#socket?.end();
  }

  protected terminateNow(): void {
    this.#socket?.terminate();
  }

  protected shutdownNow(): void {
    this.#socket?.shutdown();
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }
}

/** What happens on an open socket; whoever opens it adds how that goes. */
export const EVENTS = {
  binaryType: "buffer",
  data: (socket, data) => socket.data.received(data),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data?.closed(error),
  error: (socket, error) => socket.data?.closed(error),
} satisfies SocketHandler<BunSocket>;
