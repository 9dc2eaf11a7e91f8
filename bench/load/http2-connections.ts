/**
 * Clients of HTTP/2 that have had one response each and wait: what h2load cannot do. They know no more of it than that takes
 * (RFC 9113), share no code with the proxies that they hold, and check the response as far as that goes without HPACK.
 */
import type { Socket } from "bun";
import type { Load, Target } from "./messages.ts";
import { matchesPattern } from "./pattern.ts";
import { fieldsOf, PATHS, type RequestShape, SITE } from "./requests.ts";

/** Connects under way at a time: fewer than the shortest accept queue of a peer (511). */
const CONNECTS_AT_ONCE = 128;
const ANSWER_MS = 10_000;
const FRAME_HEADER_BYTES = 9;
const Type = { DATA: 0, HEADERS: 1, SETTINGS: 4 } as const;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
/** `:method: GET` and `:status: 200` are entries of the static table (RFC 7541 appendix A). */
const METHOD_GET = 0x82;
const STATUS_200 = 0x88;
/** Highest value of an update of the table's size, which a block may begin with. */
const LAST_SIZE_UPDATE = 0x3f;

function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A field that is in no table, its strings as they are. */
function literal(name: string, value: string): Buffer {
  const strings = [name, value].map((text) => Buffer.from(text, "latin1"));
  for (const { length } of strings) if (length > 126) throw new RangeError(`a string of ${length} bytes`);
  return Buffer.concat([[0], ...strings.flatMap((bytes) => [[bytes.length], bytes])].map((part) => Buffer.from(part)));
}

/** What a client says at first: the preface, its SETTINGS, which change nothing, and a GET. */
export function openingBytes(shape: RequestShape, secure: boolean): Buffer {
  const block = [
    Buffer.from([METHOD_GET]),
    literal(":scheme", secure ? "https" : "http"),
    literal(":authority", SITE),
    literal(":path", shape.path),
  ];
  for (const line of fieldsOf(shape)) {
    const colon = line.indexOf(":");
    block.push(literal(line.slice(0, colon).toLowerCase(), line.slice(colon + 2)));
  }
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(Type.SETTINGS, 0, 0, Buffer.alloc(0)),
    frame(Type.HEADERS, END_STREAM | END_HEADERS, 1, Buffer.concat(block)),
  ]);
}

export const SETTINGS_ACK = frame(Type.SETTINGS, ACK, 0, Buffer.alloc(0));

/** Reads what comes on one connection until its response is whole. */
export class SingleResponse {
  readonly #bodyBytes: number;
  #carried = Buffer.alloc(0);
  #bodyRead = 0;
  #hasHead = false;
  /** The peer has said what it wants of its clients; that is to be acknowledged. */
  hasSettings = false;
  isWhole = false;

  /** @param path a key of `PATHS`. */
  constructor(path: string) {
    this.#bodyBytes = PATHS[path].bodyBytes;
  }

  /** Throws an `Error` that says what is wrong with the response. */
  push(data: Buffer): void {
    let rest = Buffer.concat([this.#carried, data]);
    while (rest.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      this.#onFrame(rest[3], rest[4], rest.subarray(FRAME_HEADER_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#carried = Buffer.from(rest);
  }

  #onFrame(type: number, flags: number, payload: Buffer): void {
    if (type === Type.SETTINGS && (flags & ACK) === 0) this.hasSettings = true;
    if (type !== Type.HEADERS && type !== Type.DATA) return;
    if (type === Type.HEADERS) {
      const first = payload.find((byte) => byte < 0x20 || byte > LAST_SIZE_UPDATE);
      if (first !== STATUS_200) throw new Error("a response that does not begin with status 200");
      this.#hasHead = true;
    } else {
      if (!this.#hasHead || !matchesPattern(payload, 0, payload.length, this.#bodyRead)) {
        throw new Error(`wrong bytes after ${this.#bodyRead}`);
      }
      this.#bodyRead += payload.length;
    }
    if ((flags & END_STREAM) === 0) return;
    if (this.#bodyRead !== this.#bodyBytes) throw new Error(`a body of ${this.#bodyRead} bytes`);
    this.isWhole = true;
  }
}

/** Connections that wait. */
export class Http2Connections {
  readonly #target: Target;
  readonly #load: Load;
  readonly #sockets: Socket<SingleResponse>[] = [];

  constructor(target: Target, load: Load) {
    this.#target = target;
    this.#load = load;
  }

  /** As `Generator.open`. Rejects when a response is wrong or does not come. */
  async open(): Promise<number> {
    const { connections, request } = this.#load;
    const opening = openingBytes(request, this.#target.tls);
    for (let at = 0; at < connections; at += CONNECTS_AT_ONCE) {
      const count = Math.min(CONNECTS_AT_ONCE, connections - at);
      await Promise.all(Array.from({ length: count }, () => this.#connect(request.path, opening)));
    }
    return connections;
  }

  close(): void {
    for (const socket of this.#sockets) socket.end();
    this.#sockets.length = 0;
  }

  async #connect(path: string, opening: Buffer): Promise<void> {
    const { port, tls } = this.#target;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
    let acknowledged = false;
    const socket = await Bun.connect<SingleResponse>({
      hostname: "127.0.0.1",
      port,
      data: new SingleResponse(path),
      // The benchmark makes its certificate itself.
      tls: tls ? { rejectUnauthorized: false, ALPNProtocols: "h2" } : false,
      socket: {
        open: (opened) => void opened.write(opening),
        data: (opened, data) => {
          const response = opened.data;
          try {
            response.push(data);
          } catch (error) {
            reject(error as Error);
          }
          if (response.hasSettings && !acknowledged) acknowledged = opened.write(SETTINGS_ACK) > 0;
          if (response.isWhole) resolve();
        },
        close: () => reject(new Error("the proxy closed a connection")),
        error: (_socket, error) => reject(error),
      },
    });
    this.#sockets.push(socket);
    await promise;
    clearTimeout(timer);
  }
}
