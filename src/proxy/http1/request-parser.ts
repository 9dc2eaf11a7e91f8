/** Request heads (RFC 9112 sections 3 and 5): the strict reading, in one pass over the bytes. */
import { Method } from "../../shared/memory/series-table.ts";
import { isAuthority } from "./authority.ts";
import { ASTERISK, CHAR_CLASS, COLON, CR, DIGIT, HASH, LF, QUESTION, SLASH, SP, TARGET, TOKEN } from "./char-class.ts";
import { readFieldLines } from "./field-lines.ts";
import { FieldId } from "./field-names.ts";
import { isWord, readFraming } from "./framing.ts";
import { FIELD_STRIDE, FieldPart, type HeadLimits, type RequestHead, TargetForm } from "./head.ts";
import { methodOf } from "./method-names.ts";
import { INCOMPLETE, ParseError } from "./parse-error.ts";

/** Longest method that is passed on, bytes. */
const MAX_METHOD_BYTES = 32;
/** Empty lines tolerated before a request line (RFC 9112 section 2.2). */
const MAX_LEADING_LINES = 2;

const HOST_BIT = 1 << FieldId.HOST;
const EXPECT_BIT = 1 << FieldId.EXPECT;

const VERSION_PREFIX = new TextEncoder().encode("HTTP/");
const WORD_CONTINUE = new TextEncoder().encode("100-continue");
const WORD_HTTP = new TextEncoder().encode("http");
const WORD_HTTPS = new TextEncoder().encode("https");

/**
 * Parses one request head from `buf[start, end)` into `head`. The result does not depend on how much beyond the head,
 * or beyond the first error, has arrived: a prefix gives `INCOMPLETE` or the same.
 * @returns the offset after the head, `INCOMPLETE` (0) when more bytes are needed, or a negative `ParseError`.
 */
export function parseRequestHead(
  buf: Uint8Array,
  start: number,
  end: number,
  head: RequestHead,
  limits: HeadLimits,
): number {
  const bound = start + limits.maxHeadBytes;
  const limit = Math.min(end, bound);
  head.owner = null;
  head.fieldsStart = -1;
  let result = readRequestLine(buf, start, limit, head);
  if (result > 0) result = readFieldLines(buf, result, limit, head, limits.maxFields, false);
  if (result > 0) {
    const error = readMeaning(buf, head);
    if (error !== 0) return error;
    head.headEnd = result;
    return result;
  }
  if (result === INCOMPLETE && end >= bound) {
    return head.fieldsStart < 0 ? ParseError.REQUEST_LINE_TOO_LONG : ParseError.HEAD_TOO_LARGE;
  }
  return result;
}

function readRequestLine(buf: Uint8Array, start: number, end: number, head: RequestHead): number {
  let pos = start;
  for (let lines = 0; lines < MAX_LEADING_LINES && pos < end && buf[pos] === CR; lines++) {
    if (pos + 1 >= end) return INCOMPLETE;
    if (buf[pos + 1] !== LF) return ParseError.BARE_CR;
    pos += 2;
  }
  if (pos >= end) return INCOMPLETE;

  const methodStart = pos;
  let byte = buf[pos];
  while ((CHAR_CLASS[byte] & TOKEN) !== 0) {
    if (++pos - methodStart > MAX_METHOD_BYTES) return ParseError.METHOD_TOO_LONG;
    if (pos === end) return INCOMPLETE;
    byte = buf[pos];
  }
  if (byte !== SP || pos === methodStart) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_METHOD;
  const methodEnd = pos;

  const targetStart = ++pos;
  if (pos === end) return INCOMPLETE;
  byte = buf[pos];
  while ((CHAR_CLASS[byte] & TARGET) !== 0) {
    if (++pos === end) return INCOMPLETE;
    byte = buf[pos];
  }
  if (byte !== SP || pos === targetStart) return targetError(byte);
  const targetEnd = pos++;

  const next = readVersion(buf, pos, end, head);
  if (next <= 0) return next;
  head.method = methodOf(buf, methodStart, methodEnd);
  head.methodStart = methodStart;
  head.methodEnd = methodEnd;
  head.targetStart = targetStart;
  head.targetEnd = targetEnd;
  head.fieldsStart = next;
  const error = readTarget(buf, head);
  return error === 0 ? next : error;
}

/** Why a target ended at `byte`, or was empty. */
function targetError(byte: number): number {
  if (byte === LF) return ParseError.BARE_LF;
  if (byte === CR) return ParseError.MISSING_VERSION;
  return byte === HASH ? ParseError.TARGET_FRAGMENT : ParseError.INVALID_TARGET;
}

/** Reads `HTTP/1.x CRLF` at `start`. */
function readVersion(buf: Uint8Array, start: number, end: number, head: RequestHead): number {
  let pos = start;
  for (let i = 0; i < 5; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if (buf[pos] !== VERSION_PREFIX[i]) return ParseError.INVALID_VERSION;
  }
  for (let i = 0; i < 3; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if (i === 1 ? buf[pos] !== 0x2e : (CHAR_CLASS[buf[pos]] & DIGIT) === 0) return ParseError.INVALID_VERSION;
  }
  const minor = buf[pos - 1] - 0x30;
  if (buf[pos - 3] !== 0x31 || minor > 1) return ParseError.UNSUPPORTED_VERSION;
  head.versionMinor = minor;
  if (pos === end) return INCOMPLETE;
  if (buf[pos] !== CR) return buf[pos] === LF ? ParseError.BARE_LF : ParseError.INVALID_VERSION;
  if (++pos === end) return INCOMPLETE;
  return buf[pos] === LF ? pos + 1 : ParseError.BARE_CR;
}

/** Form of the target and what it must be for the method (RFC 9112 section 3.2). @returns 0 or a `ParseError`. */
function readTarget(buf: Uint8Array, head: RequestHead): number {
  const { targetStart, targetEnd, method } = head;
  head.pathStart = targetStart;
  head.hostStart = targetStart;
  head.hostEnd = targetStart;
  if (method === Method.CONNECT) {
    head.targetForm = TargetForm.AUTHORITY;
    return ParseError.CONNECT_METHOD;
  }
  const first = buf[targetStart];
  if (first === SLASH) {
    head.targetForm = TargetForm.ORIGIN;
    return 0;
  }
  if (first === ASTERISK && targetEnd - targetStart === 1) {
    head.targetForm = TargetForm.ASTERISK;
    return method === Method.OPTIONS ? 0 : ParseError.TARGET_ASTERISK;
  }
  head.targetForm = TargetForm.ABSOLUTE;
  return readAbsoluteTarget(buf, head);
}

function readAbsoluteTarget(buf: Uint8Array, head: RequestHead): number {
  const { targetStart, targetEnd } = head;
  let pos = targetStart;
  while (pos < targetEnd && buf[pos] !== COLON) pos++;
  if (pos + 2 >= targetEnd || buf[pos + 1] !== SLASH || buf[pos + 2] !== SLASH) return ParseError.INVALID_TARGET;
  if (!isWord(buf, targetStart, pos, WORD_HTTP) && !isWord(buf, targetStart, pos, WORD_HTTPS)) {
    return ParseError.TARGET_SCHEME;
  }
  const authority = pos + 3;
  pos = authority;
  while (pos < targetEnd && buf[pos] !== SLASH && buf[pos] !== QUESTION) pos++;
  if (!isAuthority(buf, authority, pos)) return ParseError.TARGET_AUTHORITY;
  head.hostStart = authority;
  head.hostEnd = pos;
  head.pathStart = pos;
  return 0;
}

/** What the fields say: framing, Host, Expect. @returns 0 or a `ParseError`. */
function readMeaning(buf: Uint8Array, head: RequestHead): number {
  const error = readFraming(buf, head, false);
  if (error !== 0) return error;
  const seen = head.seen;

  if ((seen & HOST_BIT) !== 0) {
    if ((head.repeated & HOST_BIT) !== 0) return ParseError.DUPLICATE_HOST;
    const at = head.lastIndex[FieldId.HOST] * FIELD_STRIDE;
    const start = head.fields[at + FieldPart.VALUE_START];
    const end = head.fields[at + FieldPart.VALUE_END];
    // An http URI has a host, so only a request that is for no resource, or that needs no Host, may leave it empty.
    const valid =
      start === end ? head.versionMinor === 0 || head.targetForm === TargetForm.ASTERISK : isAuthority(buf, start, end);
    if (!valid) return ParseError.INVALID_HOST;
    if (head.targetForm !== TargetForm.ABSOLUTE) {
      head.hostStart = start;
      head.hostEnd = end;
    }
  } else if (head.versionMinor === 1) return ParseError.MISSING_HOST;

  head.expectContinue = false;
  if ((seen & EXPECT_BIT) !== 0) {
    const at = head.lastIndex[FieldId.EXPECT] * FIELD_STRIDE;
    const known = isWord(
      buf,
      head.fields[at + FieldPart.VALUE_START],
      head.fields[at + FieldPart.VALUE_END],
      WORD_CONTINUE,
    );
    if (!known || (head.repeated & EXPECT_BIT) !== 0) return ParseError.UNKNOWN_EXPECTATION;
    // A client of HTTP/1.0 can't mean it (RFC 9110 section 10.1.1).
    head.expectContinue = head.versionMinor === 1;
  }
  return 0;
}
