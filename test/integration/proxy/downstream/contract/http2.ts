/** Streams of HTTP/2, over sockets, for the contract of downstreams. */
import { Http2Session } from "../../../../../src/proxy/downstream/http2/session.ts";
import { FrameFlag } from "../../../../../src/proxy/http2/frames/layout.ts";
import { block, frame, Http2Wire, integer32, type StreamEnd, settings } from "../../../../support/http2/wire.ts";
import { until } from "../../../../support/until.ts";
import type { ContractClient, DownstreamKind, Received, SentRequest } from "./contract.ts";
import { ENTRANCE, openOn } from "./sockets.ts";

const HEADERS = 1;
const WINDOW_UPDATE = 8;
const INITIAL_WINDOW_SIZE = 4;
/** What a client takes that does not read. */
const SMALL_WINDOW = 64 * 1024;
const LARGE_WINDOW = 0x7000_0000;

/** @param own our own sockets; else the runtime's. */
export function http2(own: boolean): DownstreamKind {
  return {
    name: `HTTP/2 on ${own ? "our own" : "the runtime's"} sockets`,
    nature: {
      takesChunks: false,
      knowsInterim: true,
      sendsPieces: true,
      knowsTrailers: true,
      concurrent: true,
      survivesRefusal: true,
      resetsShortBodies: true,
    },
    async open() {
      const { worker, listening } = openOn(
        own,
        ({ ctx }, socket, nowMs) => new Http2Session(ctx, socket, ENTRANCE, false, nowMs),
      );
      const clients: Http2Client[] = [];
      return {
        worker,
        connect: async () => {
          const wire = await Http2Wire.connect(listening.port, settings([INITIAL_WINDOW_SIZE, LARGE_WINDOW]));
          wire.updates = false;
          wire.send(frame(WINDOW_UPDATE, 0, 0, integer32(LARGE_WINDOW)));
          const client = new Http2Client(wire);
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

class Http2Client implements ContractClient {
  readonly #wire: Http2Wire;
  readonly #ids: number[] = [];
  #responded = 0;

  constructor(wire: Http2Wire) {
    this.#wire = wire;
  }

  send(...requests: SentRequest[]): void {
    const bytes: Buffer[] = [];
    for (const { method = "GET", path = "/", length, body, pieces, trailers, tunnel } of requests) {
      const known = length === undefined ? [] : ([["content-length", `${length}`]] as const);
      const extended =
        tunnel === undefined
          ? []
          : ([
              [":method", "CONNECT"],
              [":protocol", "echo"],
            ] as const);
      const open =
        tunnel !== undefined || pieces !== undefined || (length !== undefined && (body?.length ?? 0) < length);
      const { id, bytes: head } = this.#wire.framesOf({
        method: tunnel === undefined ? method : "",
        path,
        fields: [...extended, ...known],
        body: tunnel ?? body,
        open,
      });
      this.#ids.push(id);
      bytes.push(head, ...(pieces ?? []).map((piece) => frame(0, 0, id, piece)));
      if (trailers === undefined) continue;
      const fields = trailers
        .trimEnd()
        .split("\r\n")
        .map((line) => line.split(": ") as [string, string]);
      const lower = fields.map(([name, value]) => [name.toLowerCase(), value] as const);
      bytes.push(frame(HEADERS, FrameFlag.END_HEADERS | FrameFlag.END_STREAM, id, block(lower)));
    }
    this.#wire.send(...bytes);
  }

  get #last(): number {
    return this.#ids.at(-1) as number;
  }

  get #lastStream(): StreamEnd {
    return this.#wire.stream(this.#last);
  }

  sendMore(data: string): void {
    this.#wire.data(this.#last, data);
  }

  finish(): void {
    this.#wire.data(this.#last, "", FrameFlag.END_STREAM);
  }

  leave(): void {
    this.#wire.close();
  }

  /** Its window for all streams becomes smaller than what was sent. */
  stopReading(): void {
    this.#wire.send(settings([INITIAL_WINDOW_SIZE, SMALL_WINDOW]));
  }

  goOn(): void {
    this.#wire.send(settings([INITIAL_WINDOW_SIZE, LARGE_WINDOW]));
  }

  async response(): Promise<Received> {
    const stream = await this.#wire.response(this.#ids[this.#responded++]);
    return { ...stream, whole: stream.ended };
  }

  async tunnelled(text: string): Promise<ReadonlyMap<string, string>> {
    const stream = this.#lastStream;
    await until(() => stream.body === text);
    stream.body = "";
    return stream.fields;
  }

  async ended(): Promise<void> {
    const stream = await this.#wire.response(this.#last);
    if (!stream.ended) throw new Error("broken off");
  }
}
