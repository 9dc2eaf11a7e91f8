/**
 * What the runtime's sockets have in common when they are a `RawSocket`. The runtime does not route what a handler throws
 * to the socket's `error` handler, may report an end twice, and takes calls on what is closed for something else: that
 * is guarded here, and nowhere else.
 */
import type { ClientCertificate } from "../client-certificate.ts";
import type { HeaderWait, HeaderWaits } from "../proxied/header-waits.ts";
import type { OnSocket, RawSocket, SocketUser } from "../raw-socket.ts";

/** What all sockets of a process share. */
export interface SocketEnvironment {
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Told of exceptions in a handler. The user of the socket that met one ends it. */
  readonly onInternalError: (error: unknown) => void;
}

/**
 * What is reported as the peer's end when a write has met its reset before: that is what the runtime knows of it, for the
 * system tells an error only once.
 */
const BROKEN_BEFORE = new Error("the connection was broken when something was sent");

/** One socket of the runtime. Subclasses say what it is and pass its events on. */
export abstract class AdaptedSocket implements RawSocket {
  readonly env: SocketEnvironment;
  /** Null before somebody took it. */
  protected user: SocketUser | null = null;
  idle = false;
  /** What the client has shown in TLS and was verified. */
  clientCertificate: ClientCertificate | null = null;
  /** The client's, where a proxy has said it; "" = the peer's own. */
  clientAddress = "";
  /** Until the proxy has said it. */
  #header: HeaderWait | null = null;
  /** Its user has let go of it. */
  #released = false;
  /** Nothing more is reported: its end was, or its user has let go of it. */
  #silent = false;
  /** The peer's FIN was reported. */
  #ended = false;
  /** We have sent FIN. */
  #shutDown = false;
  /** A write did not take everything. */
  #full = false;
  /** A write said -1. */
  #broken = false;

  constructor(env: SocketEnvironment) {
    this.env = env;
  }

  protected abstract readonly peerAddress: string;
  protected abstract readonly descriptor: number;
  protected abstract writeNow(data: Uint8Array, offset: number, length: number): number;
  protected abstract endNow(): void;
  protected abstract terminateNow(): void;
  protected abstract shutdownNow(): void;
  abstract pause(): void;
  abstract resume(): void;

  get remoteAddress(): string {
    return this.clientAddress || this.peerAddress;
  }

  get fd(): number {
    return this.#silent ? -1 : this.descriptor;
  }

  write(data: Uint8Array, offset = 0, length = data.length - offset): number {
    if (this.#silent || this.#shutDown) return -1;
    const taken = this.writeNow(data, offset, length);
    if (taken < length) {
      if (taken < 0) this.#broken = true;
      else this.#full = true;
    }
    return taken;
  }

  shutdown(): void {
    if (this.#silent || this.#shutDown) return;
    this.#shutDown = true;
    this.shutdownNow();
  }

  end(): void {
    if (this.#release()) this.endNow();
  }

  terminate(): void {
    if (this.#release()) this.terminateNow();
  }

  passTo(user: SocketUser): void {
    this.user = user;
  }

  /** Nothing more is reported. */
  protected get silent(): boolean {
    return this.#silent;
  }

  #release(): boolean {
    if (this.#released) return false;
    this.#released = true;
    this.#silent = true;
    this.#header?.giveUp();
    return true;
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * A client's: offers it to whoever serves, behind the header of a trusted proxy.
   * @param headers null = nobody sends one.
   */
  welcome(onSocket: OnSocket, headers: HeaderWaits | null): void {
    const peer = this.peerAddress;
    if (headers === null || !headers.terms.trusts(peer)) {
      this.accept(onSocket);
      return;
    }
    this.pause();
    this.#header = headers.begin(this.descriptor, peer, {
      onHeader: (client) => {
        this.clientAddress = client;
        this.accept(onSocket);
        if (!this.#silent) this.resume();
      },
      onRefused: () => this.terminate(),
    });
  }

  /** The handshake is through, and the client cannot be served. */
  turnAway(reason: string): void {
    this.closed(new Error(reason));
    this.terminate();
  }

  accept(onSocket: OnSocket): void {
    try {
      this.user = onSocket(this, this.env.now());
    } catch (error) {
      this.env.onInternalError(error);
    }
    if (this.user === null) this.terminate();
  }

  handshaken(protocol: string): void {
    if (this.#silent) return;
    try {
      this.user = this.user?.onHandshake?.(this.env.now(), protocol) ?? this.user;
    } catch (error) {
      this.threw(error);
    }
  }

  received(data: Buffer): void {
    if (this.#silent) return;
    try {
      this.user?.onData(data, this.env.now());
    } catch (error) {
      this.threw(error);
    }
  }

  /** There is room. The runtime says so of TLS also when there always was. */
  drained(): void {
    if (this.#silent || !this.#full) return;
    this.#full = false;
    try {
      this.user?.onDrain(this.env.now());
    } catch (error) {
      this.threw(error);
    }
  }

  /** The peer's FIN. Behind our own it is the end of both directions, and the runtime closes. */
  ended(): void {
    if (this.#silent || this.#ended || this.#shutDown) return;
    this.#ended = true;
    if (this.#broken) {
      this.closed(BROKEN_BEFORE);
      return;
    }
    try {
      this.user?.onEnd(this.env.now());
    } catch (error) {
      this.threw(error);
    }
  }

  closed(error?: Error): void {
    this.#header?.closed();
    if (this.#silent) return;
    this.#silent = true;
    try {
      this.user?.onClose(this.env.now(), error);
    } catch (thrown) {
      this.threw(thrown);
    }
  }

  protected threw(error: unknown): void {
    this.env.onInternalError(error);
    this.user?.onInternalError(this.env.now());
  }
}
