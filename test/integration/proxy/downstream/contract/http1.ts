/** Connections of HTTP/1, over sockets, for the contract of downstreams. */
import { Http1ClientConnection } from "../../../../../src/proxy/downstream/http1/connection.ts";
import { until } from "../../../../support/until.ts";
import { ConnectionEndedError, Wire, type WireMessage } from "../../../../support/wire.ts";
import type { ContractClient, DownstreamKind, Received, SentRequest } from "./contract.ts";
import { ENTRANCE, HOST, openOn } from "./sockets.ts";

/** @param own our own sockets; else the runtime's. */
export function http1(versionMinor: 0 | 1, own: boolean): DownstreamKind {
  const newer = versionMinor === 1;
  return {
    name: `HTTP/1.${versionMinor} on ${own ? "our own" : "the runtime's"} sockets`,
    nature: {
      takesChunks: newer,
      knowsInterim: newer,
      sendsPieces: newer,
      knowsTrailers: newer,
      concurrent: false,
      survivesRefusal: false,
      resetsShortBodies: false,
    },
    async open() {
      const { worker, listening } = openOn(
        own,
        ({ ctx }, socket, nowMs) => new Http1ClientConnection(ctx, socket, ENTRANCE, false, nowMs),
      );
      const clients: Http1Client[] = [];
      return {
        worker,
        connect: async () => {
          const client = new Http1Client(await Wire.connect(listening.port, HOST), versionMinor);
          clients.push(client);
          return client;
        },
        close: () => {
          listening.stop();
          for (const client of clients) client.leave();
          worker.close();
        },
      };
    },
  };
}

class Http1Client implements ContractClient {
  readonly #wire: Wire;
  readonly #versionMinor: number;
  /** Methods of requests without a response. */
  readonly #awaited: string[] = [];
  #tunnelFields: ReadonlyMap<string, string> | null = null;

  constructor(wire: Wire, versionMinor: number) {
    this.#wire = wire;
    this.#versionMinor = versionMinor;
  }

  send(...requests: SentRequest[]): void {
    void this.#wire.send(requests.map((request) => this.#render(request)).join(""));
  }

  #render({ method = "GET", path = "/", length, body = "", pieces, trailers = "", tunnel }: SentRequest): string {
    this.#awaited.push(method);
    const lines = [
      "Host: a.example",
      ...(length === undefined ? [] : [`Content-Length: ${length}`]),
      ...(pieces === undefined ? [] : ["Transfer-Encoding: chunked"]),
      ...(tunnel === undefined ? [] : ["Connection: Upgrade", "Upgrade: echo"]),
      ...(this.#versionMinor === 0 ? ["Connection: keep-alive"] : []),
    ];
    const chunks = pieces?.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
    const rest = chunks === undefined ? `${body}${tunnel ?? ""}` : `${chunks}0\r\n${trailers}\r\n`;
    return `${method} ${path} HTTP/1.${this.#versionMinor}\r\n${lines.join("\r\n")}\r\n\r\n${rest}`;
  }

  sendMore(data: string): void {
    void this.#wire.send(data);
  }

  finish(): void {
    this.#wire.finish();
  }

  leave(): void {
    this.#wire.reset();
  }

  stopReading(): void {
    this.#wire.socket.pause();
  }

  goOn(): void {
    this.#wire.socket.resume();
  }

  async response(): Promise<Received> {
    const noBody = this.#awaited.shift() === "HEAD";
    const interim: number[] = [];
    for (;;) {
      try {
        const message = await this.#wire.message({ noBody });
        if (message.status < 200) {
          interim.push(message.status);
          continue;
        }
        const { status, trailers } = message;
        return {
          interim,
          status,
          fields: fieldsOf(message),
          body: message.body.toString("latin1"),
          trailers,
          whole: true,
        };
      } catch (error) {
        if (!(error instanceof ConnectionEndedError)) throw error;
        return { interim, status: 0, fields: new Map(), body: this.#wire.text, trailers: "", whole: false };
      }
    }
  }

  async tunnelled(text: string): Promise<ReadonlyMap<string, string>> {
    this.#tunnelFields ??= fieldsOf(await this.#wire.head());
    await until(() => this.#wire.text === text);
    await this.#wire.take(text.length);
    return this.#tunnelFields;
  }

  async ended(): Promise<void> {
    if ((await this.#wire.end()) === "reset") throw new Error("broken off");
  }
}

function fieldsOf(message: WireMessage): ReadonlyMap<string, string> {
  return new Map(message.fields.map(([name, value]) => [name.toLowerCase(), value]));
}
