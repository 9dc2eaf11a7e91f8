/** Connects to servers and listens for clients: on our own sockets where there are any and they will do, else the runtime's. */
import type { TlsTarget } from "../../shared/upstream-tls.ts";
import type { Dialler, Listening, OnSocket, TakenOver } from "./raw-socket.ts";
import type { SocketEnvironment } from "./runtime/adapted-socket.ts";
import { connectWithRuntime } from "./runtime/connect.ts";
import { listenWithRuntime } from "./runtime/listen.ts";
import type { TlsListening } from "./runtime/tls-listening.ts";
import type { Tcp } from "./tcp.ts";

export class Network {
  readonly #own: Tcp | null;
  readonly #env: SocketEnvironment;

  /** @param own our own sockets, for addresses without TLS; null = the runtime's serve them too. */
  constructor(own: Tcp | null, env: SocketEnvironment) {
    this.#own = own;
    this.#env = env;
  }

  /** Connects `dialler`, which is told later how that went. @param tls null = plain. */
  connect(host: string, port: number, tls: TlsTarget | null, dialler: Dialler): void {
    if (tls === null && this.#own?.connect(host, port, dialler)) return;
    connectWithRuntime(this.#env, host, port, tls, dialler);
  }

  /**
   * @param tls null = plain.
   * @param takenOver with TLS: instead of a socket of its own.
   * Throws when the port cannot be had or a certificate cannot be used.
   */
  listen(
    host: string,
    port: number,
    tls: TlsListening | null,
    onSocket: OnSocket,
    takenOver: TakenOver | null = null,
  ): Listening {
    const own = tls === null ? this.#own?.listen(host, port, onSocket) : null;
    return own ?? listenWithRuntime(this.#env, takenOver ?? { host, port }, tls, onSocket);
  }
}
