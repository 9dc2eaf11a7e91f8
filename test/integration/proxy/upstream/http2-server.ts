/** A server of HTTP/2 whose every response the test gives. */
import { Http2TestServer, type PeerStream, pairs } from "../../../support/http2/server.ts";
import { until } from "../../../support/until.ts";
import type { ServersEnd } from "./leg-contract.ts";

export class Http2Server {
  readonly ends: Http2End[] = [];
  readonly #server: Http2TestServer;

  private constructor(server: Http2TestServer) {
    this.#server = server;
    server.onStream = (stream) => void this.ends.push(new Http2End(stream));
  }

  static async start(): Promise<Http2Server> {
    return new Http2Server(await Http2TestServer.start());
  }

  get port(): number {
    return this.#server.port;
  }

  get connections(): number {
    return this.#server.connections.length;
  }

  stop(): void {
    this.#server.stop();
  }
}

const INTERNAL_ERROR = 2;

class Http2End implements ServersEnd {
  readonly #stream: PeerStream;
  /** Bytes of the body that are still to be sent; -1 = it has no length. */
  #left = -1;

  constructor(stream: PeerStream) {
    this.#stream = stream;
  }

  get bodyBytes(): number {
    return this.#stream.bodyBytes;
  }

  get text(): string {
    return this.#stream.body.toString("latin1");
  }

  get ended(): "end" | "reset" | null {
    return this.#stream.ended ?? this.#stream.peer.ended;
  }

  async request() {
    // A tunnel's has no end.
    if (this.#stream.field(":method") !== "CONNECT") await until(() => this.#stream.ended !== null);
    return { head: this.#head, body: this.text, trailers: titled(this.#stream.trailers) };
  }

  async head(): Promise<string> {
    return this.#head;
  }

  /** As HTTP/1.1 has it. */
  get #head(): string {
    const { lines } = this.#stream;
    const fields = lines.replaceAll(/^:.*\r\n/gm, "");
    const start = `${this.#stream.field(":method")} ${this.#stream.field(":path")} HTTP/1.1\r\n`;
    return `${start}Host: ${this.#stream.field(":authority")}\r\n${fields}`;
  }

  respond(status: number, fields = ""): void {
    const length = /^content-length: (\d+)/im.exec(fields)?.[1];
    this.#left = length === undefined ? -1 : Number(length);
    if (status === 101) this.#stream.headers([[":status", "200"]]);
    else this.#stream.headers([[":status", `${status}`], ...pairs(fields)], status === 204);
  }

  send(data: string | Uint8Array): void {
    this.#left -= data.length;
    this.#stream.data(data, this.#left === 0);
  }

  finish(trailers = ""): void {
    this.#stream.finish(trailers);
  }

  reset(): void {
    this.#stream.reset(INTERNAL_ERROR);
  }

  stopReading(): void {
    this.#stream.peer.givesBack = false;
  }

  goOnReading(): void {
    this.#stream.peer.goOn();
  }
}

/** Names with capitals, as the tests of all protocols write them. */
function titled(lines: string): string {
  return lines.replaceAll(/^[a-z]|(?<=^[\w-]*-)[a-z](?=[\w-]*:)/gm, (letter) => letter.toUpperCase());
}
