/** A way to Redis that can be slow: what goes over it comes later, both ways and in order. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class SlowWay {
  /** Each way, milliseconds. */
  delayMs = 0;
  readonly #to: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: number) {
    this.#to = to;
    this.#server = createServer((near) => this.#join(near));
  }

  /** @param to the port on this machine where it leads. */
  static async start(to: number): Promise<SlowWay> {
    const way = new SlowWay(to);
    await new Promise<void>((resolve) => way.#server.listen(0, "127.0.0.1", () => resolve()));
    return way;
  }

  get addr(): string {
    return `127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(near: Socket): void {
    const far = connect(this.#to, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(from);
      let turn = Promise.resolve();
      from.on("data", (bytes) => {
        const due = this.delayMs;
        turn = turn.then(() => (due === 0 ? undefined : Bun.sleep(due))).then(() => void to.write(bytes));
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
