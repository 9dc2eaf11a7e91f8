/** Reads what a connection carries with our parsers, as the proxy would: message after message, until doubt or end. */
import { BodyReader } from "../../src/proxy/http1/body-reader.ts";
import { ChunkedParser } from "../../src/proxy/http1/chunked.ts";
import { BodyKind, FIELD_STRIDE, type MessageHead, RequestHead, ResponseHead } from "../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../src/proxy/http1/response-parser.ts";
import { ClientConnectionHeader, writeResponseHead } from "../../src/proxy/rewrite/response.ts";

/** Below Node's 16 KiB, so that size never explains a difference. */
export const LIMITS = { maxHeadBytes: 8192, maxFields: 100 };

/** What a message is, in the terms that both parsers report. Text is latin1. */
export interface Message {
  /** `GET /path` or `200`. */
  readonly start: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  readonly keepAlive: boolean;
  readonly body: string;
  /** The whole body arrived. */
  readonly complete: boolean;
  /** Of a complete response: the body as it came, with chunk framing and trailers. */
  readonly raw?: string;
}

export interface Stream {
  readonly messages: readonly Message[];
  /** `end`: nothing is left over; `more`: a message is unfinished; `closed`: the rest is not HTTP or not looked at; or a code. */
  readonly verdict: "end" | "more" | "closed" | number;
}

const requestHead = new RequestHead();
const responseHead = new ResponseHead();

export function readRequests(bytes: Uint8Array): Stream {
  const messages: Message[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = requestHead;
    const next = parseRequestHead(bytes, at, bytes.length, head, LIMITS);
    if (next <= 0) return { messages, verdict: next === 0 ? "more" : next };
    const method = latin1(bytes, head.methodStart, head.methodEnd);
    const start = `${method} ${latin1(bytes, head.targetStart, head.targetEnd)}`;
    const kind = head.chunked ? BodyKind.CHUNKED : head.contentLength > 0 ? BodyKind.LENGTH : BodyKind.NONE;
    const body = readBody(bytes, next, kind, head.contentLength);
    const { keepAlive, upgrade } = head;
    messages.push({
      start,
      fields: fieldsOf(bytes, head),
      keepAlive,
      body: body.data,
      complete: body.verdict === "end",
    });
    if (body.verdict !== "end") return { messages, verdict: body.verdict };
    if (!keepAlive || upgrade) return { messages, verdict: "closed" };
    at = body.end;
  }
  return { messages, verdict: "end" };
}

/** What a client gets of the responses in `bytes`, up to and with the first final one, or up to what is refused. */
export function passedOn(bytes: Uint8Array, requestMethod: number): Uint8Array {
  const buffer = Buffer.from(bytes);
  const out = Buffer.alloc(bytes.length * 4 + 1024);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const head = responseHead;
    const next = parseResponseHead(buffer, at, buffer.length, head, LIMITS, requestMethod);
    if (next <= 0) return new Uint8Array(Buffer.concat(pieces));
    const length = writeResponseHead(out, 0, buffer, head, ClientConnectionHeader.NONE, false, NO_DATE, null);
    pieces.push(Buffer.from(out.subarray(0, length)));
    if (head.status >= 200 || head.status === 101) {
      const body = new BodyReader(true);
      body.begin(head.bodyKind, head.contentLength);
      if (body.consume(buffer, next, buffer.length) >= 0) {
        pieces.push(body.repaired ?? buffer.subarray(next, body.contentEnd));
      }
      return new Uint8Array(Buffer.concat(pieces));
    }
    at = next;
  }
}

const NO_DATE = Buffer.alloc(0);

/** Reads up to and with the first final response. */
export function readResponse(bytes: Uint8Array, requestMethod: number): Stream {
  const messages: Message[] = [];
  let at = 0;
  for (;;) {
    const head = responseHead;
    const next = parseResponseHead(bytes, at, bytes.length, head, LIMITS, requestMethod);
    if (next <= 0) return { messages, verdict: next === 0 ? "more" : next };
    const body = readBody(bytes, next, head.bodyKind, head.contentLength, true);
    messages.push({
      start: String(head.status),
      fields: fieldsOf(bytes, head),
      keepAlive: head.keepAlive,
      body: body.data,
      complete: body.verdict === "end",
      raw: body.verdict === "end" ? latin1(bytes, next, body.end) : "",
    });
    if (head.status >= 200 || head.status === 101) {
      return { messages, verdict: body.verdict === "end" ? "closed" : body.verdict };
    }
    at = next;
  }
}

interface Body {
  readonly data: string;
  readonly end: number;
  readonly verdict: "end" | "more" | number;
}

function readBody(bytes: Uint8Array, start: number, kind: number, length: number, lax = false): Body {
  if (kind === BodyKind.NONE) return { data: "", end: start, verdict: "end" };
  if (kind === BodyKind.UNTIL_CLOSE) {
    return { data: latin1(bytes, start, bytes.length), end: bytes.length, verdict: "more" };
  }
  if (kind === BodyKind.LENGTH) {
    const end = Math.min(bytes.length, start + length);
    return { data: latin1(bytes, start, end), end, verdict: end === start + length ? "end" : "more" };
  }
  const parser = new ChunkedParser(lax);
  const copy = bytes.slice(start);
  const end = parser.decode(copy, 0, copy.length);
  const data = latin1(copy, 0, parser.decodedEnd);
  if (end < 0) return { data, end, verdict: end };
  return { data, end: start + end, verdict: parser.done ? "end" : "more" };
}

function fieldsOf(bytes: Uint8Array, head: MessageHead): string[] {
  const fields: string[] = [];
  for (let at = 0; at < head.fieldCount * FIELD_STRIDE; at += FIELD_STRIDE) {
    fields.push(
      latin1(bytes, head.fields[at], head.fields[at + 1]),
      latin1(bytes, head.fields[at + 2], head.fields[at + 3]),
    );
  }
  return fields;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
