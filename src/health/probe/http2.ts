/**
 * A probe over HTTP/2: one stream, and as much of what comes as a check needs. Everything that is said is said at once; a window
 * larger than what is read of a response needs no updates.
 */

import type { FrameHandler } from "../../proxy/http2/frames/frame-handler.ts";
import { FRAME_HEADER_BYTES, FrameFlag, FrameType, PREFACE } from "../../proxy/http2/frames/layout.ts";
import { FrameReader } from "../../proxy/http2/frames/reader.ts";
import { FrameBytes, writeFrameHeader, writeSettings } from "../../proxy/http2/frames/writer.ts";
import { mostBlockBytes, writeRequestBlock } from "../../proxy/http2/heads/block-writer.ts";
import { RESPONSE_RULES } from "../../proxy/http2/heads/field-rules.ts";
import { ResponseReader } from "../../proxy/http2/heads/response-reader.ts";
import { TrailerReader } from "../../proxy/http2/heads/trailer-reader.ts";
import { HpackDecoder } from "../../proxy/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../proxy/http2/hpack/encoder.ts";
import { RecurringLines } from "../../proxy/http2/hpack/recurring-lines.ts";
import { SettingId } from "../../proxy/http2/settings.ts";
import type { ProbeDialogue, ProbeProblem } from "./dialogue.ts";
import { INCOMPLETE, type ProbeReply } from "./response.ts";

/** Most bytes of a head, and of a body, that are looked at. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_BODY_BYTES = 64 * 1024;
const MAX_CONTINUATIONS = 8;
/** Most packets and interim responses: each costs something, however little is in it. */
const MAX_PACKETS = 1_000;
const MAX_INTERIM = 8;
const STREAM_ID = 1;
const INVALID = "answer is not valid HTTP/2";

/** A response as it came. */
export interface Http2Reply {
  readonly status: number;
  /** Field lines of the head, and behind the body. */
  readonly head: string;
  readonly trailers: string;
  readonly body: Buffer;
}

/** Makes of a response what a check wants to know. @param complete nothing more comes. @returns `undefined` = more is needed. */
export type ReadReply = (reply: Http2Reply, complete: boolean) => ProbeReply | ProbeProblem | undefined;

/** As the body of checks over HTTP/1.1 is looked at: see `ProbeReader`. */
export function plainReply(wantBody: boolean | string): ReadReply {
  return ({ status, body }, complete) => {
    if (wantBody === false) return { status, body: "" };
    const found = typeof wantBody === "string" && (body.includes(wantBody) || body.length >= MAX_BODY_BYTES);
    if (complete || found) return { status, body: body.toString("utf8") };
    if (body.length < MAX_BODY_BYTES) return undefined;
    return { cause: "response", reason: `answer larger than ${MAX_BODY_BYTES / 1024} KB` };
  };
}

/** One stream of HTTP/2. */
export class Http2Dialogue implements ProbeDialogue, FrameHandler {
  readonly request: Uint8Array;
  readonly #read: ReadReply;
  readonly #frames = new FrameReader(this, { maxBytes: MAX_HEAD_BYTES, maxContinuations: MAX_CONTINUATIONS });
  readonly #hpack = new HpackDecoder(RESPONSE_RULES);
  /** It began as every connection of HTTP/2 does. */
  #settled = false;
  #packets = 0;
  #interim = 0;
  #status = 0;
  #head = "";
  #trailers = "";
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #result: ProbeReply | ProbeProblem | undefined;

  /**
   * @param head as for HTTP/1.1, with its blank line.
   * @param body what follows it; empty = nothing.
   * @param secure over TLS.
   */
  constructor(head: string, body: Uint8Array, secure: boolean, read: ReadReply) {
    this.request = requestBytes(Buffer.from(head, "latin1"), body, secure);
    this.#read = read;
  }

  push(packet: Buffer): ProbeReply | ProbeProblem | undefined {
    if (++this.#packets > MAX_PACKETS) this.#fail(`answer in more than ${MAX_PACKETS} packets`);
    else this.#frames.read(packet, 0, packet.length);
    return this.#result;
  }

  end(): ProbeReply | ProbeProblem {
    return this.#result ?? { cause: "closed", reason: INCOMPLETE };
  }

  // ── FrameHandler ─────────────────────────────────────────────────────────────────────────────────────────────────

  onHeaders(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void {
    if (streamId !== STREAM_ID || !this.#begins()) return;
    const isRead = this.#status === 0 ? this.#onHead(buf, start, end, endStream) : this.#onTrailers(buf, start, end);
    if (!isRead) this.#fail(INVALID);
    else if (this.#status !== 0) this.#look(endStream);
    else if (++this.#interim > MAX_INTERIM) this.#fail(`more than ${MAX_INTERIM} interim answers`);
  }

  /** @returns false when it can't be read. */
  #onHead(buf: Buffer, start: number, end: number, endStream: boolean): boolean {
    const reader = new ResponseReader();
    reader.begin(MAX_HEAD_BYTES);
    if (this.#hpack.decode(buf, start, end, reader) !== 0) return false;
    const length = reader.finish(endStream, true, null);
    if (length < 0) return false;
    if (reader.status < 200) return true;
    const head = Buffer.alloc(length);
    reader.write(head, 0);
    this.#status = reader.status;
    this.#head = head.toString("latin1");
    return true;
  }

  #onTrailers(buf: Buffer, start: number, end: number): boolean {
    const reader = new TrailerReader();
    reader.begin(MAX_HEAD_BYTES);
    if (this.#hpack.decode(buf, start, end, reader) !== 0 || reader.finish(null) < 0) return false;
    this.#trailers = reader.lines?.toString("latin1") ?? "";
    return true;
  }

  onData(streamId: number, buf: Buffer, start: number, end: number, _flowBytes: number, endStream: boolean): void {
    if (streamId !== STREAM_ID || !this.#begins()) return;
    const taken = buf.subarray(start, Math.min(end, start + MAX_BODY_BYTES - this.#bodyBytes));
    this.#body.push(Buffer.from(taken));
    this.#bodyBytes += taken.length;
    if (this.#status === 0) this.#fail(INVALID);
    else this.#look(endStream);
  }

  onRstStream(streamId: number, code: number): void {
    if (streamId === STREAM_ID) this.#fail(`the request was refused by HTTP/2 error ${code}`, "closed");
  }

  onSettings(): void {
    this.#settled = true;
  }

  onGoaway(lastStreamId: number, code: number): void {
    if (lastStreamId < STREAM_ID) this.#fail(`the connection was ended by HTTP/2 error ${code}`, "closed");
  }

  onConnectionError(): void {
    this.#fail(this.#settled ? INVALID : "answer is not HTTP/2");
  }

  onStreamError(streamId: number): void {
    if (streamId === STREAM_ID) this.#fail(INVALID);
  }

  onSettingsAck(): void {}
  onPing(): void {}
  onWindowUpdate(): void {}
  onIdleFrame(): void {}

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether it has said what it allows, as a server of HTTP/2 does first. */
  #begins(): boolean {
    if (!this.#settled) this.#fail("answer is not HTTP/2");
    return this.#settled && this.#result === undefined;
  }

  #look(complete: boolean): void {
    const body = Buffer.concat(this.#body);
    this.#body = [body];
    const reply = { status: this.#status, head: this.#head, trailers: this.#trailers, body };
    this.#result ??= this.#read(reply, complete);
    if (complete) this.#result ??= { cause: "closed", reason: INCOMPLETE };
  }

  #fail(reason: string, cause: ProbeProblem["cause"] = "response"): void {
    this.#result ??= { cause, reason };
    this.#frames.stop();
  }
}

function requestBytes(head: Buffer, body: Uint8Array, secure: boolean): Uint8Array {
  const out = Buffer.alloc(
    PREFACE.length + 3 * FRAME_HEADER_BYTES + FrameBytes.SETTING + mostBlockBytes(head.length) + body.length,
  );
  out.set(PREFACE);
  const settings = writeSettings(out, PREFACE.length, [[SettingId.ENABLE_PUSH, 0]]);
  const block = settings + FRAME_HEADER_BYTES;
  const encoder = new HpackEncoder(new RecurringLines());
  let at = writeRequestBlock(encoder, out, block, head, 0, head.length, secure, false);
  const flags = body.length === 0 ? FrameFlag.END_HEADERS | FrameFlag.END_STREAM : FrameFlag.END_HEADERS;
  writeFrameHeader(out, settings, at - block, FrameType.HEADERS, flags, STREAM_ID);
  if (body.length > 0) {
    at = writeFrameHeader(out, at, body.length, FrameType.DATA, FrameFlag.END_STREAM, STREAM_ID);
    out.set(body, at);
    at += body.length;
  }
  return out.subarray(0, at);
}
