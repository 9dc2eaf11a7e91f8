/** Headers of the PROXY protocol in front of TLS where node:tls makes it: whose connection each one is. */
import type { Socket } from "node:net";
import type { HeaderWaits } from "../proxied/header-waits.ts";

/** The types do not say so. */
interface Handle {
  readonly fd: number;
  pause(): void;
  resume(): void;
}

/** The connections of one listener. */
export class NodeHeaders {
  /** Null = nobody sends any. */
  readonly #waits: HeaderWaits | null;
  readonly #clients = new WeakMap<Socket, string>();

  constructor(waits: HeaderWaits | null) {
    this.#waits = waits;
  }

  /** Takes the header off a fresh connection of a trusted peer. Nothing is read of it before `done` is called, if it is. */
  takeOff(socket: Socket, done: () => void): void {
    const peer = socket.remoteAddress ?? "";
    if (this.#waits === null || !this.#waits.terms.trusts(peer)) {
      done();
      return;
    }
    const { _handle: handle } = socket as unknown as { readonly _handle: Handle };
    handle.pause();
    const wait = this.#waits.begin(handle.fd, peer, {
      onHeader: (client) => {
        this.#clients.set(socket, client);
        handle.resume();
        done();
      },
      onRefused: () => socket.destroy(),
    });
    socket.once("close", () => wait.closed());
  }

  /** The client's address, as it was said of the connection that carries `socket`; "" = it was not. */
  clientOf(socket: Socket): string {
    const { _parent: carrier } = socket as Socket & { readonly _parent?: Socket | null };
    return this.#clients.get(socket) ?? (carrier ? this.#clients.get(carrier) : "") ?? "";
  }
}
