/** What we say on a connection, at whichever end of it: heads, and bodies as fast as the peer takes them. */
import { copyAll } from "../../http1/copy.ts";
import { ErrorCode } from "../error-codes.ts";
import { FRAME_HEADER_BYTES, FrameFlag, FrameType, MAX_FRAME_BYTES } from "../frames/layout.ts";
import {
  FrameBytes,
  writeGoaway,
  writePing,
  writeRstStream,
  writeSettings,
  writeSettingsAck,
  writeWindowUpdate,
} from "../frames/writer.ts";
import { PeerSettings, SettingDefault } from "../settings.ts";
import type { Listed, StreamTable } from "../stream-table.ts";
import { SendWindow } from "../windows.ts";
import { Output, type OutputSink } from "./output.ts";

const NOTHING = Buffer.alloc(0);
/** Room for the longest of our own texts in GOAWAY. */
const GOAWAY_BYTES = 256;

/** A stream, as far as it sends. */
export interface SendingStream<S> extends Listed<S> {
  readonly sendWindow: SendWindow;
  /** There may be room for what of it waits: it sends, and waits again (`content`) if that was not all. */
  resumeSending(nowMs: number): void;
}

/** One connection's. */
export class Outgoing<S extends SendingStream<S>> {
  readonly #sink: OutputSink;
  readonly #output: Output;
  /** What the peer has said. */
  readonly peer = new PeerSettings();
  readonly #window = new SendWindow(SettingDefault.INITIAL_WINDOW_SIZE);
  /** Streams with content that waits for a window or for the socket, in the order in which they are served; null = none had to. */
  #waiting: Set<S> | null = null;

  constructor(sink: OutputSink) {
    this.#sink = sink;
    this.#output = new Output(sink);
  }

  /** Nothing waits for the end of the turn. */
  get isEmpty(): boolean {
    return this.#output.isEmpty;
  }

  /** Content waits for the peer to give the connection a window. */
  get isHeldUp(): boolean {
    return (this.#waiting?.size ?? 0) > 0 && this.#window.available <= 0;
  }

  /**
   * The connection is made.
   * @param preface what comes before all frames; empty = nothing.
   * @param settings pairs of a `SettingId` and its value.
   * @param window what the peer may send at once on the connection, bytes.
   */
  begin(preface: Buffer, settings: readonly (readonly [id: number, value: number])[], window: number): void {
    const bytes = preface.length + FRAME_HEADER_BYTES + settings.length * FrameBytes.SETTING + FrameBytes.WINDOW_UPDATE;
    const out = this.#output.room(bytes);
    let at = copyAll(out, this.#output.end, preface);
    at = writeSettings(out, at, settings);
    this.#output.wrote(writeWindowUpdate(out, at, 0, window - SettingDefault.INITIAL_WINDOW_SIZE));
  }

  /** A head, or trailers: `block[start … end)` is their header block. @param last nothing follows. */
  head(streamId: number, block: Buffer, start: number, end: number, last: boolean): void {
    let at = start;
    do {
      const stop = Math.min(end, at + MAX_FRAME_BYTES);
      const complete = stop === end ? FrameFlag.END_HEADERS : 0;
      const flags = at === start && last ? complete | FrameFlag.END_STREAM : complete;
      const type = at === start ? FrameType.HEADERS : FrameType.CONTINUATION;
      this.#output.frame(type, flags, streamId, block, at, stop);
      at = stop;
    } while (at < end);
  }

  /**
   * Sends `data[start … end)` as far as the windows and the socket allow. The rest is asked for later, by `resumeSending`.
   * @param last the stream ends with it.
   * @returns the offset after what was sent.
   */
  content(stream: S, data: Buffer, start: number, end: number, last: boolean): number {
    let at = start;
    while (at < end) {
      const room = Math.min(end - at, MAX_FRAME_BYTES, this.#window.available, stream.sendWindow.available);
      if (room <= 0 || this.#sink.queuedBytes > 0) {
        this.await(stream);
        return at;
      }
      this.#window.take(room);
      stream.sendWindow.take(room);
      const ends = last && at + room === end ? FrameFlag.END_STREAM : 0;
      this.#output.frame(FrameType.DATA, ends, stream.id, data, at, at + room);
      at += room;
    }
    return at;
  }

  /** More of the stream waits than it wants to send at once: it is asked again, behind the others. */
  await(stream: S): void {
    this.#waiting ??= new Set();
    this.#waiting.add(stream);
  }

  /** The stream's content has ended, behind what was sent of it. */
  end(streamId: number): void {
    if (this.#output.endLast(streamId)) return;
    this.#output.frame(FrameType.DATA, FrameFlag.END_STREAM, streamId, NOTHING, 0, 0);
  }

  /** Nothing more is sent for it. */
  forget(stream: S): void {
    this.#waiting?.delete(stream);
  }

  /** Ends a stream at once. */
  reset(streamId: number, code: ErrorCode): void {
    const out = this.#output.room(FrameBytes.RST_STREAM);
    this.#output.wrote(writeRstStream(out, this.#output.end, streamId, code));
  }

  /** Lets the peer send more. @param streamId 0 = on the connection. */
  windowUpdate(streamId: number, increment: number): void {
    const out = this.#output.room(FrameBytes.WINDOW_UPDATE);
    this.#output.wrote(writeWindowUpdate(out, this.#output.end, streamId, increment));
  }

  /** Asks whether the peer is there, or says that we are. @param opaque its eight bytes are at `opaque[start]`. */
  ping(ack: boolean, opaque: Uint8Array, start: number): void {
    const out = this.#output.room(FrameBytes.PING);
    this.#output.wrote(writePing(out, this.#output.end, ack, opaque, start));
  }

  /** Says that no stream beyond `lastStreamId` is served. @param reason for people, in ASCII. */
  goaway(lastStreamId: number, code: ErrorCode, reason: string): void {
    const out = this.#output.room(GOAWAY_BYTES);
    this.#output.wrote(writeGoaway(out, this.#output.end, lastStreamId, code, reason));
  }

  /**
   * The peer has said this about itself: `buf[start … end)` of SETTINGS.
   * @returns an `ErrorCode` for the connection; `NO_ERROR` = it is all right, and acknowledged.
   */
  settings(buf: Buffer, start: number, end: number, streams: StreamTable<S>): ErrorCode {
    const before = this.peer.initialWindowSize;
    const error = this.peer.apply(buf, start, end);
    if (error !== ErrorCode.NO_ERROR) return error;
    const change = this.peer.initialWindowSize - before;
    if (change !== 0) {
      for (const stream of streams.all()) if (!stream.sendWindow.add(change)) return ErrorCode.FLOW_CONTROL_ERROR;
    }
    const out = this.#output.room(FrameBytes.SETTINGS_ACK);
    this.#output.wrote(writeSettingsAck(out, this.#output.end));
    return ErrorCode.NO_ERROR;
  }

  /** The connection's window has grown. @returns false when by too much: FLOW_CONTROL_ERROR. */
  grow(increment: number): boolean {
    return this.#window.add(increment);
  }

  /** What waits is sent as far as there is room, a stream's turn after another's. */
  resume(nowMs: number): void {
    for (;;) {
      const before = this.#window.available;
      const waiting = this.#waiting;
      if (waiting === null || waiting.size === 0 || before <= 0 || this.#sink.queuedBytes > 0) return;
      for (const stream of [...waiting]) {
        // Its place is behind the others, should it have to wait again.
        waiting.delete(stream);
        stream.resumeSending(nowMs);
      }
      if (this.#window.available >= before) return; // each has to wait for a window of its own
    }
  }

  /** Sends what there is. @returns false when nothing can be sent any more. */
  flush(): boolean {
    return this.#output.flush();
  }

  /** Nothing is sent any more. */
  drop(): void {
    this.#output.drop();
    this.#waiting = null;
  }
}
