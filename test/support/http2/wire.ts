/**
 * A client of HTTP/2 that sends frame by frame what a test wants, right or wrong, and keeps what comes. It finds frames by
 * itself; header blocks it has read by the product, which reads them by RFC 7541's own examples (test/unit/proxy/http2/hpack).
 */
import { FrameFlag, FrameType, PREFACE } from "../../../src/proxy/http2/frames/layout.ts";
import { RESPONSE_RULES } from "../../../src/proxy/http2/heads/field-rules.ts";
import { ResponseReader } from "../../../src/proxy/http2/heads/response-reader.ts";
import { TrailerReader } from "../../../src/proxy/http2/heads/trailer-reader.ts";
import { HpackDecoder } from "../../../src/proxy/http2/hpack/decoder.ts";
import { until } from "../until.ts";
import { Wire } from "../wire.ts";

const { ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY } = FrameFlag;
/** What a client may send at first (RFC 9113 section 6.9.2). */
const FIRST_WINDOW = 65_535;

/** A frame that came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** What came for one stream. */
export interface StreamEnd {
  readonly interim: number[];
  status: number;
  /** Names in lower case. */
  fields: ReadonlyMap<string, string>;
  body: string;
  /** Field lines. */
  trailers: string;
  /** `END_STREAM` came. */
  ended: boolean;
  /** The code of RST_STREAM; -1 = none came. */
  reset: number;
}

/** A request. */
export interface Http2Request {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly scheme?: string;
  /** More fields, or other pseudo-fields. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  /** More follows; else the stream ends with it. */
  readonly open?: boolean;
}

/** A frame's bytes, whatever is wrong with it. */
export function frame(type: number, flags: number, streamId: number, payload: string | Uint8Array = ""): Buffer {
  const body = Buffer.from(payload as string, "latin1");
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** A number of four bytes. */
export function integer32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Pairs of a setting's name and its value. */
export function settings(...entries: (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value >>> 0, i * 6 + 2);
  });
  return frame(FrameType.SETTINGS, 0, 0, payload);
}

/** A header block of literals that no table keeps, without Huffman's code: names and values may be anything. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([length(bytes.length), bytes]);
}

/** An integer with a prefix of seven bits (RFC 7541 section 5.1). */
function length(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** One connection. */
export class Http2Wire {
  readonly wire: Wire;
  readonly frames: Frame[] = [];
  readonly streams = new Map<number, StreamEnd>();
  /** What the server has said of itself, by name. */
  readonly settings = new Map<number, number>();
  settingsAcknowledged = 0;
  /** Of the last GOAWAY; null = none came. */
  goaway: { readonly lastStreamId: number; readonly code: number; readonly text: string } | null = null;
  /** Windows are given back as bytes come; else not at all. */
  updates = true;
  /** The server's SETTINGS and PING are acknowledged as they come. */
  acknowledges = true;
  nextId = 1;
  /** What we may send on the connection, and on streams. */
  window = FIRST_WINDOW;
  readonly windows = new Map<number, number>();
  readonly #decoder = new HpackDecoder(RESPONSE_RULES);
  readonly #responses = new ResponseReader();
  readonly #trailers = new TrailerReader();
  #unread: Buffer = Buffer.alloc(0);
  #block: Buffer[] = [];
  #blockFlags = 0;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Connects, with prior knowledge; the preface and `first` are sent. */
  static async connect(port: number, first: Buffer = settings()): Promise<Http2Wire> {
    return Http2Wire.#begin(await Wire.connect(port), first);
  }

  /** As `connect`, over TLS, by ALPN. */
  static async connectTls(port: number, first: Buffer = settings()): Promise<Http2Wire> {
    return Http2Wire.#begin(await Wire.connectTls(port, { ALPNProtocols: ["h2"] }), first);
  }

  static #begin(wire: Wire, first: Buffer): Http2Wire {
    const client = new Http2Wire(wire);
    client.listen();
    client.send(PREFACE, first);
    return client;
  }

  /** Looks at what comes from here on, at once, so that windows go on. */
  listen(): void {
    this.wire.socket.on("data", (data: Buffer) => this.#onData(data));
  }

  /** All of these in one packet. */
  send(...bytes: Uint8Array[]): void {
    void this.wire.send(Buffer.concat(bytes));
  }

  /** The frames of a request, on the next stream. Its body is one frame, and may be as long as a frame may be. */
  framesOf(request: Http2Request = {}): { readonly id: number; readonly bytes: Buffer } {
    const { method = "GET", path = "/", authority = "a.example", scheme = "http", fields = [], body, open } = request;
    const id = this.nextId;
    this.nextId += 2;
    const pseudo = { ":method": method, ":scheme": scheme, ":authority": authority, ":path": path };
    const own = fields.map(([name]) => name);
    const first = Object.entries(pseudo).filter(([name, value]) => value !== "" && !own.includes(name));
    const sorted = [...fields.filter(([name]) => name.startsWith(":")), ...fields.filter(([name]) => name[0] !== ":")];
    const head = block([...first, ...sorted]);
    const ends = open === true ? 0 : END_STREAM;
    if (body === undefined) return { id, bytes: frame(FrameType.HEADERS, END_HEADERS | ends, id, head) };
    return {
      id,
      bytes: Buffer.concat([frame(FrameType.HEADERS, END_HEADERS, id, head), frame(FrameType.DATA, ends, id, body)]),
    };
  }

  /** Sends requests in one packet. @returns the first one's stream. */
  request(...requests: Http2Request[]): number {
    const made = (requests.length === 0 ? [{}] : requests).map((one) => this.framesOf(one));
    this.send(...made.map(({ bytes }) => bytes));
    return made[0].id;
  }

  data(streamId: number, content: string | Uint8Array, flags = 0): void {
    this.send(frame(FrameType.DATA, flags, streamId, content));
  }

  /** What came for a stream. */
  stream(streamId: number): StreamEnd {
    const known = this.streams.get(streamId);
    if (known !== undefined) return known;
    const stream: StreamEnd = {
      interim: [],
      status: 0,
      fields: new Map(),
      body: "",
      trailers: "",
      ended: false,
      reset: -1,
    };
    this.streams.set(streamId, stream);
    return stream;
  }

  /** Resolves when nothing more comes for the stream. */
  async response(streamId: number): Promise<StreamEnd> {
    const stream = this.stream(streamId);
    await until(() => stream.ended || stream.reset >= 0 || this.wire.ended !== null);
    return stream;
  }

  /** Sends a request and resolves with its response. */
  async ask(request: Http2Request = {}): Promise<StreamEnd> {
    return this.response(this.request(request));
  }

  /** Resolves when a PING has come back: all that was sent before it was read by then. */
  async ping(opaque = "12345678"): Promise<void> {
    const count = (): number =>
      this.frames.filter(({ type, flags, payload }) => {
        return type === FrameType.PING && flags === ACK && payload.toString("latin1") === opaque;
      }).length;
    const before = count();
    this.send(frame(FrameType.PING, 0, 0, opaque));
    await until(() => count() > before || this.wire.ended !== null);
  }

  /** Resolves when the connection has ended. @returns the code of the last GOAWAY; -1 = none came. */
  async end(): Promise<number> {
    await until(() => this.wire.ended !== null);
    return this.goaway?.code ?? -1;
  }

  close(): void {
    this.wire.reset();
  }

  // ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────────

  #onData(data: Buffer): void {
    this.#unread = this.#unread.length === 0 ? data : Buffer.concat([this.#unread, data]);
    while (this.#unread.length >= 9) {
      const size = this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < 9 + size) return;
      const [type, flags] = [this.#unread[3], this.#unread[4]];
      const streamId = this.#unread.readUInt32BE(5);
      const payload = Buffer.from(this.#unread.subarray(9, 9 + size));
      this.#unread = this.#unread.subarray(9 + size);
      this.frames.push({ type, flags, streamId, payload });
      this.#onFrame(type, flags, streamId, payload);
    }
  }

  #onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    switch (type) {
      case FrameType.SETTINGS:
        if ((flags & ACK) !== 0) this.settingsAcknowledged++;
        else {
          for (let at = 0; at < payload.length; at += 6) {
            this.settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
          }
          if (this.acknowledges) this.send(frame(FrameType.SETTINGS, ACK, 0));
        }
        return;
      case FrameType.PING:
        if ((flags & ACK) === 0 && this.acknowledges) this.send(frame(FrameType.PING, ACK, 0, payload));
        return;
      case FrameType.GOAWAY:
        this.goaway = {
          lastStreamId: payload.readUInt32BE(0),
          code: payload.readUInt32BE(4),
          text: payload.toString("latin1", 8),
        };
        return;
      case FrameType.RST_STREAM:
        this.stream(streamId).reset = payload.readUInt32BE(0);
        return;
      case FrameType.WINDOW_UPDATE:
        if (streamId === 0) this.window += payload.readUInt32BE(0);
        else this.windows.set(streamId, (this.windows.get(streamId) ?? 0) + payload.readUInt32BE(0));
        return;
      case FrameType.DATA:
        this.#onBody(flags, streamId, payload);
        return;
      case FrameType.HEADERS:
        if ((flags & (PADDED | PRIORITY)) !== 0) throw new Error("the server pads HEADERS, or gives them a priority");
        this.#blockFlags = flags;
        this.#block = [];
        this.#onFragment(flags, streamId, payload);
        return;
      case FrameType.CONTINUATION:
        this.#onFragment(flags, streamId, payload);
        return;
      default:
        throw new Error(`a frame of kind ${type} came`);
    }
  }

  #onBody(flags: number, streamId: number, payload: Buffer): void {
    const stream = this.stream(streamId);
    stream.body += payload.toString("latin1");
    if ((flags & END_STREAM) !== 0) stream.ended = true;
    if (!this.updates || payload.length === 0) return;
    const updates = [frame(FrameType.WINDOW_UPDATE, 0, 0, integer32(payload.length))];
    if (!stream.ended) updates.push(frame(FrameType.WINDOW_UPDATE, 0, streamId, integer32(payload.length)));
    this.send(...updates);
  }

  #onFragment(flags: number, streamId: number, payload: Buffer): void {
    this.#block.push(payload);
    if ((flags & END_HEADERS) === 0) return;
    const whole = Buffer.concat(this.#block);
    const stream = this.stream(streamId);
    const ends = (this.#blockFlags & END_STREAM) !== 0;
    if (stream.status !== 0) {
      this.#trailers.begin(1_000_000);
      this.#read(whole, this.#trailers);
      if (this.#trailers.finish(null) < 0) throw new Error("trailers that can't be");
      stream.trailers = this.#trailers.lines?.toString("latin1") ?? "";
    } else this.#onHead(stream, whole, ends);
    if (ends) stream.ended = true;
  }

  #onHead(stream: StreamEnd, whole: Buffer, ends: boolean): void {
    this.#responses.begin(1_000_000);
    this.#read(whole, this.#responses);
    // As for a HEAD: lengths and framing are the test's business.
    const bytes = this.#responses.finish(ends, true, null);
    if (bytes < 0) throw new Error(`a response head that can't be: ${bytes}`);
    const head = Buffer.alloc(bytes);
    this.#responses.write(head, 0);
    const [, ...lines] = head.toString("latin1").trimEnd().split("\r\n");
    const { status } = this.#responses;
    if (status < 200) stream.interim.push(status);
    else {
      stream.status = status;
      stream.fields = new Map(lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
    }
  }

  #read(whole: Buffer, sink: ResponseReader | TrailerReader): void {
    const error = this.#decoder.decode(whole, 0, whole.length, sink);
    if (error !== 0) throw new Error(`a header block that can't be read: ${error}`);
  }
}
