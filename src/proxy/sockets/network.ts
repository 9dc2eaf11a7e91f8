/** Connects to servers and listens for clients: on our own sockets where there are any and they will do, else the runtime's. */
import type { TlsTarget } from "../../shared/upstream-tls.ts";
import { Libc } from "./libc.ts";
import type { HeaderTerms } from "./proxied/header-terms.ts";
import { HeaderWaits } from "./proxied/header-waits.ts";
import type { Dialler, Listening, OnSocket, TakenOver } from "./raw-socket.ts";
import type { SocketEnvironment } from "./runtime/adapted-socket.ts";
import { connectWithRuntime } from "./runtime/connect.ts";
import { listenWithRuntime } from "./runtime/listen.ts";
import type { TlsListening } from "./runtime/tls-listening.ts";
import type { Tcp } from "./tcp.ts";

export class Network {
  readonly #own: Tcp | null;
  readonly #env: SocketEnvironment;
  #foundLibc: Libc | null = null;

  /** @param own our own sockets, for addresses without TLS; null = the runtime's serve them too. */
  constructor(own: Tcp | null, env: SocketEnvironment) {
    this.#own = own;
    this.#env = env;
  }

  /**
   * Connects `dialler`, which is told later how that went.
   * @param tls null = plain.
   * @param preface sent in front of TLS, of which the server knows by then; null = nothing. Linux only.
   */
  connect(
    host: string,
    port: number,
    tls: TlsTarget | null,
    dialler: Dialler,
    preface: Uint8Array | null = null,
  ): void {
    if (tls === null && this.#own?.connect(host, port, dialler)) return;
    const first = tls === null || preface === null ? null : { bytes: preface, libc: this.#libc() };
    connectWithRuntime(this.#env, host, port, tls, dialler, first);
  }

  /**
   * @param tls null = plain.
   * @param headers where proxies say whose connections they make; null = nowhere. Linux only.
   * @param takenOver instead of a socket of its own.
   * Throws when the port cannot be had or a certificate cannot be used.
   */
  listen(
    host: string,
    port: number,
    tls: TlsListening | null,
    onSocket: OnSocket,
    headers: HeaderTerms | null = null,
    takenOver: TakenOver | null = null,
  ): Listening {
    const own = tls === null ? this.#own?.listen(host, port, onSocket, headers, takenOver) : null;
    if (own) return own;
    const waits = headers && new HeaderWaits(this.#libc(), this.#own?.loop ?? null, headers, this.#env.now);
    return listenWithRuntime(this.#env, takenOver ?? { host, port }, tls, onSocket, waits);
  }

  /** Throws where there is none. */
  #libc(): Libc {
    this.#foundLibc ??= this.#own?.libc ?? new Libc();
    return this.#foundLibc;
  }
}
