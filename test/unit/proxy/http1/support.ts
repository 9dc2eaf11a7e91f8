/** What the parser tests share: bytes from text, and a parse as a plain value that can be compared. */
import {
  FIELD_STRIDE,
  FieldPart,
  type HeadLimits,
  type MessageHead,
  RequestHead,
  ResponseHead,
} from "../../../../src/proxy/http1/head.ts";
import { ParseError } from "../../../../src/proxy/http1/parse-error.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../../../src/proxy/http1/response-parser.ts";
import { Method } from "../../../../src/shared/memory/series-table.ts";

export const LIMITS: HeadLimits = { maxHeadBytes: 4096, maxFields: 32 };

/** One byte per character: `\x80` is the byte 0x80. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes that a parser would like to see next: after `end` in a buffer they must not be looked at. */
const STALE = ["\n", "\r\n", "a", " ", ":", ",", "1", "/"];

/** The first `end` bytes, in buffers that go on with other bytes than the message does. */
export function prefixesOf(bytes: Uint8Array, end: number): Uint8Array[] {
  return STALE.map((stale) => {
    const buffer = new Uint8Array(end + 4).fill(stale.charCodeAt(stale.length - 1));
    buffer.set(bytes.subarray(0, end));
    buffer.set(bytesOf(stale), end);
    return buffer;
  });
}

export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Name of a result: a code's name, or `offset`, or `incomplete`. */
export function nameOf(result: number): string {
  if (result === 0) return "INCOMPLETE";
  return Object.entries(ParseError).find(([, code]) => code === result)?.[0] ?? `offset ${result}`;
}

export interface Parsed<H extends MessageHead> {
  readonly result: number;
  readonly head: H;
  readonly bytes: Uint8Array;
  /** `[name, value]` of each field. */
  readonly fields: readonly (readonly [string, string])[];
}

export function parseRequest(text: string, limits = LIMITS): Parsed<RequestHead> {
  const bytes = bytesOf(text);
  const head = new RequestHead();
  const result = parseRequestHead(bytes, 0, bytes.length, head, limits);
  return { result, head, bytes, fields: result > 0 ? fieldsOf(bytes, head) : [] };
}

export function parseResponse(text: string, method: number = Method.GET, limits = LIMITS): Parsed<ResponseHead> {
  const bytes = bytesOf(text);
  const head = new ResponseHead();
  const result = parseResponseHead(bytes, 0, bytes.length, head, limits, method);
  return { result, head, bytes, fields: result > 0 ? fieldsOf(bytes, head) : [] };
}

export function fieldsOf(bytes: Uint8Array, head: MessageHead): [string, string][] {
  const fields: [string, string][] = [];
  for (let i = 0; i < head.fieldCount; i++) {
    const at = i * FIELD_STRIDE;
    const { fields: offsets } = head;
    fields.push([
      textOf(bytes, offsets[at + FieldPart.NAME_START], offsets[at + FieldPart.NAME_END]),
      textOf(bytes, offsets[at + FieldPart.VALUE_START], offsets[at + FieldPart.VALUE_END]),
    ]);
  }
  return fields;
}

/** What a request head says, without offsets: equal for equal messages wherever they lay. */
export function summaryOf(bytes: Uint8Array, head: RequestHead): object {
  return {
    method: textOf(bytes, head.methodStart, head.methodEnd),
    methodIndex: head.method,
    target: textOf(bytes, head.targetStart, head.targetEnd),
    path: textOf(bytes, head.pathStart, head.targetEnd),
    form: head.targetForm,
    host: textOf(bytes, head.hostStart, head.hostEnd),
    fields: fieldsOf(bytes, head),
    ids: [...head.ids.subarray(0, head.fieldCount)],
    seen: head.seen,
    repeated: head.repeated,
    versionMinor: head.versionMinor,
    contentLength: head.contentLength,
    chunked: head.chunked,
    keepAlive: head.keepAlive,
    upgrade: head.upgrade,
    expectContinue: head.expectContinue,
    hasConnectionOptions: head.hasConnectionOptions,
    hasHopByHop: head.hasHopByHop,
  };
}
