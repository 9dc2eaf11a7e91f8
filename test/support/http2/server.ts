/**
 * A server of HTTP/2 in tests whose every frame the test chooses. Frames are read and written here anew, so that a mistake of the
 * product's own is not its mirror image; header blocks are written as plain literals, and read by the product's decoder, which
 * has been compared with those of others.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { REQUEST_RULES } from "../../../src/proxy/http2/heads/field-rules.ts";
import { HpackDecoder } from "../../../src/proxy/http2/hpack/decoder.ts";
import { FieldLines } from "./field-lines.ts";

/** RFC 9113 section 6, by hand. */
export const Frame = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export const Flag = { ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PROXY = "PROXY ";
const HEADER_BYTES = 9;
const FRAME_BYTES = 16_384;
const DEFAULT_WINDOW = 65_535;
const ENABLE_CONNECT_PROTOCOL = 8;
const INITIAL_WINDOW_SIZE = 4;

/** One frame, as it came. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The bytes of a frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Four bytes. */
export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** The payload of SETTINGS. */
export function settingsPayload(settings: Readonly<Record<number, number>>): Buffer {
  return Buffer.concat(
    Object.entries(settings).map(([id, value]) => Buffer.concat([Buffer.from([0, Number(id)]), integer(value)])),
  );
}

/** A header block of literals that no table keeps (RFC 7541 section 6.2.2). */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name.toLowerCase()), literal(value)]),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** Field lines as pairs. */
export function pairs(lines: string): [string, string][] {
  return lines
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
}

export class Http2TestServer {
  readonly connections: Http2Peer[] = [];
  /** All streams, in the order in which they were opened, on whichever connection. */
  readonly streams: PeerStream[] = [];
  readonly #server: Server;
  /** What it says of itself. */
  readonly settings: Readonly<Record<number, number>>;
  /** Called with each new stream. */
  onStream: (stream: PeerStream) => void = () => {};

  private constructor(settings: Readonly<Record<number, number>>, tls: TlsOptions | null) {
    this.settings = settings;
    const onSocket = (socket: Socket): void => void this.connections.push(new Http2Peer(this, socket));
    this.#server =
      tls === null
        ? createServer({ allowHalfOpen: true }, onSocket)
        : createTlsServer({ ALPNProtocols: ["h2"], ...tls }, onSocket);
    this.#server.on("tlsClientError", () => {});
  }

  static async start(settings: Readonly<Record<number, number>> = {}, tls: TlsOptions | null = null) {
    const server = new Http2TestServer({ [ENABLE_CONNECT_PROTOCOL]: 1, ...settings }, tls);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}

/** One connection of it. */
export class Http2Peer {
  readonly socket: Socket;
  readonly #server: Http2TestServer;
  readonly streams = new Map<number, PeerStream>();
  /** Every frame that came. */
  readonly frames: ReceivedFrame[] = [];
  /** Windows are given back as soon as they are used. */
  givesBack = true;
  ended: "end" | "reset" | null = null;
  /** Version 1 of the PROXY protocol, where it came in front; "" = it did not. */
  proxyLine = "";
  window = DEFAULT_WINDOW;
  initialWindow = DEFAULT_WINDOW;
  readonly #hpack = new HpackDecoder(REQUEST_RULES);
  #pending = Buffer.alloc(0);
  #begun = false;
  #block: { id: number; ends: boolean; parts: Buffer[] } | null = null;
  /** Content that is not given back. */
  #withheld = new Map<number, number>();

  constructor(server: Http2TestServer, socket: Socket) {
    this.#server = server;
    this.socket = socket;
    socket.setNoDelay(true);
    socket.write(frame(Frame.SETTINGS, 0, 0, settingsPayload(server.settings)));
    socket.on("data", (data: Buffer) => this.#read(data));
    socket.on("end", () => {
      this.ended ??= "end";
      socket.end();
    });
    socket.on("error", () => {
      this.ended ??= "reset";
    });
    socket.on("close", () => {
      this.ended ??= "reset";
    });
  }

  /** Frames of a kind that came. */
  framesOf(type: number): ReceivedFrame[] {
    return this.frames.filter((each) => each.type === type);
  }

  send(type: number, flags: number, streamId: number, payload?: Uint8Array): void {
    this.socket.write(frame(type, flags, streamId, payload));
  }

  goaway(lastStreamId: number, code = 0): void {
    this.send(Frame.GOAWAY, 0, 0, Buffer.concat([integer(lastStreamId), integer(code)]));
  }

  /** Content that was held back may be sent on: windows are given back. */
  goOn(): void {
    this.givesBack = true;
    for (const [id, bytes] of this.#withheld) this.#giveBack(id, bytes);
    this.#withheld.clear();
  }

  #giveBack(id: number, bytes: number): void {
    if (bytes === 0) return;
    this.send(Frame.WINDOW_UPDATE, 0, 0, integer(bytes));
    this.send(Frame.WINDOW_UPDATE, 0, id, integer(bytes));
  }

  #read(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data]);
    if (!this.#begun && this.#pending.toString("latin1", 0, PROXY.length) === PROXY) {
      const end = this.#pending.indexOf("\r\n");
      if (end < 0) return;
      this.proxyLine = this.#pending.toString("latin1", 0, end);
      this.#pending = this.#pending.subarray(end + 2);
    }
    if (!this.#begun) {
      if (this.#pending.length < PREFACE.length) return;
      if (this.#pending.toString("latin1", 0, PREFACE.length) !== PREFACE) throw new Error("no preface of HTTP/2");
      this.#pending = this.#pending.subarray(PREFACE.length);
      this.#begun = true;
    }
    while (this.#pending.length >= HEADER_BYTES) {
      const length = this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < HEADER_BYTES + length) return;
      const [type, flags] = [this.#pending[3], this.#pending[4]];
      const streamId = this.#pending.readUInt32BE(5) & 0x7fff_ffff;
      const payload = this.#pending.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#pending = this.#pending.subarray(HEADER_BYTES + length);
      const received = { type, flags, streamId, payload };
      this.frames.push(received);
      this.#onFrame(received);
    }
  }

  #onFrame({ type, flags, streamId, payload }: ReceivedFrame): void {
    const stream = this.streams.get(streamId);
    if (type === Frame.SETTINGS && (flags & Flag.ACK) === 0) this.#onSettings(payload);
    else if (type === Frame.PING && (flags & Flag.ACK) === 0) this.send(Frame.PING, Flag.ACK, 0, payload);
    else if (type === Frame.HEADERS) this.#onBlock(streamId, flags, (flags & Flag.END_STREAM) !== 0, payload);
    else if (type === Frame.CONTINUATION) this.#onBlock(streamId, flags, this.#block?.ends ?? false, payload);
    else if (type === Frame.DATA && stream !== undefined) {
      stream.content.push(payload);
      stream.bodyBytes += payload.length;
      if (this.givesBack) this.#giveBack(streamId, payload.length);
      else this.#withheld.set(streamId, (this.#withheld.get(streamId) ?? 0) + payload.length);
      if ((flags & Flag.END_STREAM) !== 0) stream.ended ??= "end";
    } else if (type === Frame.RST_STREAM && stream !== undefined) {
      stream.ended = "reset";
      stream.resetCode = payload.readUInt32BE(0);
    } else if (type === Frame.WINDOW_UPDATE) {
      const increment = payload.readUInt32BE(0);
      if (streamId === 0) this.window += increment;
      else if (stream !== undefined) stream.window += increment;
      for (const each of this.streams.values()) each.flush();
    }
  }

  #onSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === INITIAL_WINDOW_SIZE) this.initialWindow = payload.readUInt32BE(at + 2);
    }
    this.send(Frame.SETTINGS, Flag.ACK, 0);
  }

  #onBlock(id: number, flags: number, ends: boolean, payload: Buffer): void {
    this.#block ??= { id, ends, parts: [] };
    this.#block.parts.push(payload);
    if ((flags & Flag.END_HEADERS) === 0) return;
    const whole = Buffer.concat(this.#block.parts);
    this.#block = null;
    const lines = new FieldLines();
    const error = this.#hpack.decode(whole, 0, whole.length, lines);
    if (error !== 0) throw new Error(`a header block can't be read: ${error}`);
    const known = this.streams.get(id);
    if (known !== undefined) {
      known.trailers = lines.text;
      known.ended ??= "end";
      return;
    }
    const stream = new PeerStream(this, id, lines.text, this.initialWindow);
    if (ends) stream.ended = "end";
    this.streams.set(id, stream);
    this.#server.streams.push(stream);
    this.#server.onStream(stream);
  }
}

/** One stream of it. */
export class PeerStream {
  readonly peer: Http2Peer;
  readonly id: number;
  /** Field lines of the request, pseudo-fields first. */
  readonly lines: string;
  readonly content: Buffer[] = [];
  bodyBytes = 0;
  trailers = "";
  /** How the client ended its direction. */
  ended: "end" | "reset" | null = null;
  resetCode = -1;
  window: number;
  #queue: { bytes: Buffer; ends: boolean }[] = [];
  /** Field lines behind what waits. */
  #last = "";

  constructor(peer: Http2Peer, id: number, lines: string, window: number) {
    this.peer = peer;
    this.id = id;
    this.lines = lines;
    this.window = window;
  }

  /** The value of a field; "" = there is none. */
  field(name: string): string {
    return pairs(this.lines.replaceAll(/^:/gm, "\0")).find(([each]) => each.replace("\0", ":") === name)?.[1] ?? "";
  }

  get body(): Buffer {
    return Buffer.concat(this.content);
  }

  headers(fields: readonly (readonly [string, string])[], ends = false): void {
    this.peer.send(Frame.HEADERS, Flag.END_HEADERS | (ends ? Flag.END_STREAM : 0), this.id, block(fields));
  }

  /** Sends content as the windows allow. */
  data(bytes: string | Uint8Array, ends = false): void {
    this.#queue.push({ bytes: Buffer.from(bytes as string), ends });
    this.flush();
  }

  /** Ends the stream in order, behind what waits. */
  finish(trailers = ""): void {
    if (trailers === "") this.data("", true);
    else {
      this.#last = trailers;
      this.flush();
    }
  }

  reset(code: number): void {
    this.#queue = [];
    this.peer.send(Frame.RST_STREAM, 0, this.id, integer(code));
  }

  flush(): void {
    for (;;) {
      const [next] = this.#queue;
      if (next === undefined) {
        if (this.#last !== "") this.headers(pairs(this.#last), true);
        this.#last = "";
        return;
      }
      const room = Math.min(next.bytes.length, this.window, this.peer.window, FRAME_BYTES);
      if (room <= 0 && next.bytes.length > 0) return;
      const part = next.bytes.subarray(0, room);
      this.window -= part.length;
      this.peer.window -= part.length;
      const last = part.length === next.bytes.length;
      this.peer.send(Frame.DATA, last && next.ends ? Flag.END_STREAM : 0, this.id, part);
      if (last) this.#queue.shift();
      else this.#queue[0] = { bytes: next.bytes.subarray(part.length), ends: next.ends };
    }
  }
}
