/**
 * What decides where a message ends and whether its connection lives on: Content-Length, Transfer-Encoding and
 * Connection. In requests every doubt is refused, because two parties that resolve it differently disagree about where
 * the next message starts (request smuggling; RFC 9112 sections 6.3, 11.1, 11.2). Responses are read as servers write
 * them, as far as there is one reading only; it is what the client is told (`reframe`), and where there was any doubt,
 * nothing else is read from that connection (`keepAlive`).
 */
import { CHAR_CLASS, COMMA, DIGIT, HTAB, OWS, TOKEN, ZERO } from "./char-class.ts";
import { FieldId, fieldIdOf, HOP_BY_HOP_MASK, SEEN_IDS } from "./field-names.ts";
import { FIELD_STRIDE, FieldPart, MAX_CONNECTION_OPTIONS, type MessageHead } from "./head.ts";
import { ParseError } from "./parse-error.ts";

const LENGTH_BIT = 1 << FieldId.CONTENT_LENGTH;
const CODING_BIT = 1 << FieldId.TRANSFER_ENCODING;
const CONNECTION_BIT = 1 << FieldId.CONNECTION;
const UPGRADE_BIT = 1 << FieldId.UPGRADE;

/** Decimal digits of 2^53 - 1. */
const MAX_LENGTH_DIGITS = 16;

// Bits of what a Connection field said.
const CLOSE = 1;
const KEEP_ALIVE = 2;
const UPGRADE = 4;
/** Something that is no option; only in a response. */
const NO_OPTION = 8;

const WORD_CLOSE = new TextEncoder().encode("close");
const WORD_CHUNKED = new TextEncoder().encode("chunked");
const WORD_H2C = new TextEncoder().encode("h2c");

/**
 * Sets `contentLength`, `chunked`, `reframe`, `keepAlive`, `upgrade`, the options and `hasHopByHop` of a head whose fields
 * were read. @param lax the head of a response. @returns 0 or a `ParseError`.
 */
export function readFraming(buf: Uint8Array, head: MessageHead, lax: boolean): number {
  const seen = head.seen;
  head.contentLength = -1;
  head.chunked = false;
  head.reframe = false;
  head.upgrade = false;
  head.optionCount = 0;
  head.keepAlive = head.versionMinor === 1;
  head.hasHopByHop = (seen & HOP_BY_HOP_MASK) !== 0;

  if ((seen & (LENGTH_BIT | CODING_BIT)) !== 0) {
    const error = lax ? readLaxLength(buf, head) : readLength(buf, head);
    if (error !== 0) return error;
  }
  if ((seen & CONNECTION_BIT) !== 0) {
    const options = readConnection(buf, head, lax);
    if (options < 0) return options;
    if ((options & (CLOSE | NO_OPTION)) !== 0) head.keepAlive = false;
    else if ((options & KEEP_ALIVE) !== 0) head.keepAlive = true;
    head.upgrade =
      (options & UPGRADE) !== 0 && (seen & UPGRADE_BIT) !== 0 && head.versionMinor === 1 && !namesH2c(buf, head);
  }
  // In a response: the length is not what counts, or the version knows no codings, so the server may mean something else.
  if (head.chunked && ((seen & LENGTH_BIT) !== 0 || head.versionMinor === 0)) head.keepAlive = false;
  return 0;
}

/** Whether `buf[start, end)` is the lower-case ASCII `word`, ignoring letter case. The bytes are field content. */
export function isWord(buf: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const length = word.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if ((buf[start + i] | 0x20) !== word[i]) return false;
  return true;
}

function readLength(buf: Uint8Array, head: MessageHead): number {
  const { seen, repeated } = head;
  if ((seen & CODING_BIT) === 0) {
    if ((repeated & LENGTH_BIT) !== 0) return ParseError.DUPLICATE_CONTENT_LENGTH;
    const at = head.lastIndex[FieldId.CONTENT_LENGTH] * FIELD_STRIDE;
    const start = head.fields[at + FieldPart.VALUE_START];
    const end = head.fields[at + FieldPart.VALUE_END];
    // Some read a leading zero as octal.
    if (end - start > 1 && buf[start] === ZERO) return ParseError.INVALID_CONTENT_LENGTH;
    const length = parseLength(buf, start, end);
    if (length < 0) return length;
    head.contentLength = length;
    head.reframe = hasTabAround(buf, head, at);
    return 0;
  }
  if ((seen & LENGTH_BIT) !== 0) return ParseError.LENGTH_AND_TRANSFER_ENCODING;
  if (head.versionMinor === 0) return ParseError.TRANSFER_ENCODING_VERSION;
  return readCoding(buf, head, false);
}

/**
 * The length of a response: said once, or the same several times (RFC 9110 section 8.6), and without meaning beside a
 * transfer coding (RFC 9112 section 6.3).
 */
function readLaxLength(buf: Uint8Array, head: MessageHead): number {
  const { seen, fields, ids } = head;
  if ((seen & CODING_BIT) !== 0) {
    const error = readCoding(buf, head, true);
    if ((seen & LENGTH_BIT) !== 0) head.reframe = true;
    return error;
  }
  const last = head.lastIndex[FieldId.CONTENT_LENGTH];
  let said = 0;
  for (let field = (head.repeated & LENGTH_BIT) !== 0 ? 0 : last; field <= last; field++) {
    if (ids[field] !== FieldId.CONTENT_LENGTH) continue;
    const end = fields[field * FIELD_STRIDE + FieldPart.VALUE_END];
    let pos = fields[field * FIELD_STRIDE + FieldPart.VALUE_START];
    for (;;) {
      let start = pos;
      while (pos < end && (CHAR_CLASS[buf[pos]] & DIGIT) !== 0) pos++;
      while (start < pos - 1 && buf[start] === ZERO) {
        start++;
        head.reframe = true;
      }
      const length = parseLength(buf, start, pos);
      if (length < 0) return length;
      if (said++ > 0 && length !== head.contentLength) return ParseError.DUPLICATE_CONTENT_LENGTH;
      head.contentLength = length;
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
      if (pos === end) break;
      if (buf[pos++] !== COMMA) return ParseError.INVALID_CONTENT_LENGTH;
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
    }
  }
  if (said > 1 || hasTabAround(buf, head, last * FIELD_STRIDE)) head.reframe = true;
  return 0;
}

/** @param lax empty elements of the list do not count (RFC 9110 section 5.6.1.2). */
function readCoding(buf: Uint8Array, head: MessageHead, lax: boolean): number {
  if ((head.repeated & CODING_BIT) !== 0) return ParseError.INVALID_TRANSFER_ENCODING;
  const at = head.lastIndex[FieldId.TRANSFER_ENCODING] * FIELD_STRIDE;
  const valueStart = head.fields[at + FieldPart.VALUE_START];
  const valueEnd = head.fields[at + FieldPart.VALUE_END];
  let start = valueStart;
  let end = valueEnd;
  if (lax) {
    while (start < end && isListSpace(buf[start])) start++;
    while (end > start && isListSpace(buf[end - 1])) end--;
  }
  if (!isWord(buf, start, end, WORD_CHUNKED)) return codingError(buf, valueStart, valueEnd);
  head.chunked = true;
  head.reframe = end - start < valueEnd - valueStart || hasTabAround(buf, head, at);
  return 0;
}

function isListSpace(byte: number): boolean {
  return byte === COMMA || (CHAR_CLASS[byte] & OWS) !== 0;
}

/** `1*DIGIT` (RFC 9110 section 8.6). @returns the length, exact, or a `ParseError`. */
function parseLength(buf: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits === 0 || digits > MAX_LENGTH_DIGITS) return ParseError.INVALID_CONTENT_LENGTH;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i];
    if ((CHAR_CLASS[byte] & DIGIT) === 0) return ParseError.INVALID_CONTENT_LENGTH;
    length = length * 10 + (byte - ZERO);
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : ParseError.INVALID_CONTENT_LENGTH;
}

/** A tab is white space around a value (RFC 9110 section 5.6.3), but not everybody trims it: framing must not hang on that. */
function hasTabAround(buf: Uint8Array, head: MessageHead, at: number): boolean {
  const { fields } = head;
  const valueStart = fields[at + FieldPart.VALUE_START];
  for (let i = fields[at + FieldPart.NAME_END] + 1; i < valueStart; i++) if (buf[i] === HTAB) return true;
  const lineEnd = fields[at + FieldPart.LINE_END];
  for (let i = fields[at + FieldPart.VALUE_END]; i < lineEnd; i++) if (buf[i] === HTAB) return true;
  return false;
}

/**
 * Why a Transfer-Encoding other than `chunked` is refused: a list of codings that ends in its only `chunked` is well
 * framed but not supported (501); in any other the body's end is not known (400). RFC 9112 sections 6.1 and 6.3.
 */
function codingError(buf: Uint8Array, start: number, end: number): number {
  let pos = start;
  for (;;) {
    while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
    const coding = pos;
    while (pos < end && (CHAR_CLASS[buf[pos]] & TOKEN) !== 0) pos++;
    if (pos === coding) return ParseError.INVALID_TRANSFER_ENCODING;
    const chunked = isWord(buf, coding, pos, WORD_CHUNKED);
    while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
    if (pos === end) return chunked ? ParseError.UNKNOWN_TRANSFER_CODING : ParseError.INVALID_TRANSFER_ENCODING;
    if (chunked || buf[pos] !== COMMA) return ParseError.INVALID_TRANSFER_ENCODING;
    pos++;
  }
}

/** Reads all Connection fields. @returns the bits of what they list, or a `ParseError`. */
function readConnection(buf: Uint8Array, head: MessageHead, lax: boolean): number {
  const { fields, ids } = head;
  const last = head.lastIndex[FieldId.CONNECTION];
  let found = 0;
  for (let field = (head.repeated & CONNECTION_BIT) !== 0 ? 0 : last; field <= last; field++) {
    if (ids[field] !== FieldId.CONNECTION) continue;
    const end = fields[field * FIELD_STRIDE + FieldPart.VALUE_END];
    let pos = fields[field * FIELD_STRIDE + FieldPart.VALUE_START];
    while (pos < end) {
      const start = pos;
      while (pos < end && (CHAR_CLASS[buf[pos]] & TOKEN) !== 0) pos++;
      if (pos > start) {
        const bits = readOption(buf, start, pos, head, lax);
        if (bits < 0) return bits;
        found |= bits;
      }
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
      if (pos < end && buf[pos] !== COMMA) {
        if (!lax) return ParseError.INVALID_CONNECTION;
        found |= NO_OPTION;
        while (pos < end && buf[pos] !== COMMA) pos++;
      }
      pos++;
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
    }
  }
  return found;
}

/** Notes one option, unless it is known. @returns its bits, or a `ParseError`. */
function readOption(buf: Uint8Array, start: number, end: number, head: MessageHead, lax: boolean): number {
  if (isWord(buf, start, end, WORD_CLOSE)) return CLOSE;
  const id = fieldIdOf(buf, start, end);
  if (id === FieldId.KEEP_ALIVE) return KEEP_ALIVE;
  if (id === FieldId.UPGRADE) return UPGRADE;
  // Dropping these because they are listed would change where the message ends or whom it is for.
  if (!lax && (id === FieldId.CONTENT_LENGTH || id === FieldId.HOST)) return ParseError.CONNECTION_NAMES_FRAMING;
  if (id === FieldId.CONTENT_LENGTH) return 0;
  // Some servers list it with chunked bodies; it is passed on with the framing all the same.
  if (id === FieldId.TRANSFER_ENCODING) return 0;
  if (id < SEEN_IDS && ((1 << id) & HOP_BY_HOP_MASK) !== 0) return 0;
  const { options, optionCount } = head;
  if (optionCount === MAX_CONNECTION_OPTIONS) return ParseError.TOO_MANY_OPTIONS;
  options[optionCount * 2] = start;
  options[optionCount * 2 + 1] = end;
  head.optionCount++;
  return 0;
}

/**
 * Whether an Upgrade field offers h2c. RFC 9113 withdrew that upgrade, and a tunnel of HTTP/2 would hide requests from
 * every check here, so the offer is ignored, as RFC 9110 section 7.8 allows.
 */
function namesH2c(buf: Uint8Array, head: MessageHead): boolean {
  const { fields, ids, fieldCount } = head;
  for (let field = 0; field < fieldCount; field++) {
    if (ids[field] !== FieldId.UPGRADE) continue;
    const end = fields[field * FIELD_STRIDE + FieldPart.VALUE_END];
    let pos = fields[field * FIELD_STRIDE + FieldPart.VALUE_START];
    while (pos < end) {
      const start = pos;
      while (pos < end && (CHAR_CLASS[buf[pos]] & TOKEN) !== 0) pos++;
      if (isWord(buf, start, pos, WORD_H2C)) return true;
      if (pos === start) pos++;
    }
  }
  return false;
}
