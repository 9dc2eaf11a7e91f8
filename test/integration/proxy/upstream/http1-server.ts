/** A server of HTTP/1.1 whose every response the test gives. */
import { type AddressInfo, createServer, type Server } from "node:net";
import { until } from "../../../support/until.ts";
import { Wire, type WireMessage } from "../../../support/wire.ts";
import type { ServersEnd } from "./leg-contract.ts";

export class Http1Server {
  readonly ends: Http1End[] = [];
  readonly wires: Wire[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const wire = new Wire(socket);
      this.wires.push(wire);
      void this.#serve(wire);
    });
  }

  static async start(): Promise<Http1Server> {
    const server = new Http1Server();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    for (const wire of this.wires) wire.destroy();
  }

  /** One request after the other. */
  async #serve(wire: Wire): Promise<void> {
    while (wire.ended === null) {
      const end = new Http1End(wire);
      await until(() => wire.unread > 0 || wire.ended !== null);
      if (wire.unread > 0) this.ends.push(end);
      await until(() => end.responded || wire.ended !== null);
    }
  }
}

class Http1End implements ServersEnd {
  readonly #wire: Wire;
  /** Bytes of the body that are still to be sent; -1 = no head was sent yet. */
  #left = -1;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Its response is complete. */
  get responded(): boolean {
    return this.#left === 0;
  }

  get bodyBytes(): number {
    return this.#wire.unread;
  }

  get text(): string {
    return this.#wire.text;
  }

  get ended(): "end" | "reset" | null {
    return this.#wire.ended;
  }

  async request() {
    const { head, body, trailers }: WireMessage = await this.#wire.message();
    return { head, body: body.toString("latin1"), trailers };
  }

  async head(): Promise<string> {
    return (await this.#wire.head()).head;
  }

  respond(status: number, fields = ""): void {
    const length = /^content-length: (\d+)/im.exec(fields)?.[1];
    if (status >= 200) this.#left = status === 204 ? 0 : Number(length ?? Number.POSITIVE_INFINITY);
    this.#wire.socket.write(`HTTP/1.1 ${status} Reason\r\n${fields}\r\n`);
  }

  send(data: string | Uint8Array): void {
    this.#left -= data.length;
    this.#wire.socket.write(data);
  }

  finish(): void {
    this.#wire.finish();
  }

  reset(): void {
    this.#wire.reset();
  }

  stopReading(): void {
    this.#wire.socket.pause();
  }

  goOnReading(): void {
    this.#wire.socket.resume();
  }
}
