/**
 * What decides where a message ends and whether its connection lives on: Content-Length, Transfer-Encoding and
 * Connection, the same for requests and responses. Every doubt is refused, because two parties that resolve it
 * differently disagree about where the next message starts (request smuggling; RFC 9112 sections 6.3, 11.1, 11.2).
 */
import { CHAR_CLASS, COMMA, DIGIT, HTAB, OWS, TOKEN, ZERO } from "./char-class.ts";
import { FieldId, fieldIdOf, HOP_BY_HOP_MASK, SEEN_IDS } from "./field-names.ts";
import { FIELD_STRIDE, FieldPart, type MessageHead } from "./head.ts";
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
const OTHER_OPTION = 8;

const WORD_CLOSE = new TextEncoder().encode("close");
const WORD_CHUNKED = new TextEncoder().encode("chunked");
const WORD_H2C = new TextEncoder().encode("h2c");

/**
 * Sets `contentLength`, `chunked`, `keepAlive`, `upgrade`, `hasConnectionOptions` and `hasHopByHop` of a head whose
 * fields were read. @returns 0 or a `ParseError`.
 */
export function readFraming(buf: Uint8Array, head: MessageHead): number {
  const seen = head.seen;
  head.contentLength = -1;
  head.chunked = false;
  head.upgrade = false;
  head.hasConnectionOptions = false;
  head.keepAlive = head.versionMinor === 1;
  head.hasHopByHop = (seen & HOP_BY_HOP_MASK) !== 0;

  if ((seen & (LENGTH_BIT | CODING_BIT)) !== 0) {
    const error = readLength(buf, head);
    if (error !== 0) return error;
  }
  if ((seen & CONNECTION_BIT) !== 0) {
    const options = readConnection(buf, head);
    if (options < 0) return options;
    if ((options & CLOSE) !== 0) head.keepAlive = false;
    else if ((options & KEEP_ALIVE) !== 0) head.keepAlive = true;
    head.hasConnectionOptions = (options & OTHER_OPTION) !== 0;
    head.upgrade =
      (options & UPGRADE) !== 0 && (seen & UPGRADE_BIT) !== 0 && head.versionMinor === 1 && !namesH2c(buf, head);
  }
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
    const length = parseContentLength(buf, head);
    if (length < 0) return length;
    head.contentLength = length;
    return 0;
  }
  if ((seen & LENGTH_BIT) !== 0) return ParseError.LENGTH_AND_TRANSFER_ENCODING;
  if (head.versionMinor === 0) return ParseError.TRANSFER_ENCODING_VERSION;
  if ((repeated & CODING_BIT) !== 0) return ParseError.INVALID_TRANSFER_ENCODING;
  const at = head.lastIndex[FieldId.TRANSFER_ENCODING] * FIELD_STRIDE;
  const start = head.fields[at + FieldPart.VALUE_START];
  const end = head.fields[at + FieldPart.VALUE_END];
  if (hasTabAround(buf, head, at)) return ParseError.INVALID_TRANSFER_ENCODING;
  if (!isWord(buf, start, end, WORD_CHUNKED)) return codingError(buf, start, end);
  head.chunked = true;
  return 0;
}

/**
 * `1*DIGIT` (RFC 9110 section 8.6), but no leading zero: some read that as octal.
 * @returns the length, exact, or a `ParseError`.
 */
function parseContentLength(buf: Uint8Array, head: MessageHead): number {
  const at = head.lastIndex[FieldId.CONTENT_LENGTH] * FIELD_STRIDE;
  const start = head.fields[at + FieldPart.VALUE_START];
  const end = head.fields[at + FieldPart.VALUE_END];
  const digits = end - start;
  if (digits === 0 || digits > MAX_LENGTH_DIGITS || hasTabAround(buf, head, at)) {
    return ParseError.INVALID_CONTENT_LENGTH;
  }
  if (digits > 1 && buf[start] === ZERO) return ParseError.INVALID_CONTENT_LENGTH;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i];
    if ((CHAR_CLASS[byte] & DIGIT) === 0) return ParseError.INVALID_CONTENT_LENGTH;
    length = length * 10 + (byte - ZERO);
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : ParseError.INVALID_CONTENT_LENGTH;
}

/** A tab is valid white space around a value, but not every server trims it: framing must not hang on that. */
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
function readConnection(buf: Uint8Array, head: MessageHead): number {
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
        const bits = optionBits(buf, start, pos);
        if (bits < 0) return bits;
        found |= bits;
      }
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
      if (pos < end && buf[pos] !== COMMA) return ParseError.INVALID_CONNECTION;
      pos++;
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
    }
  }
  return found;
}

function optionBits(buf: Uint8Array, start: number, end: number): number {
  if (isWord(buf, start, end, WORD_CLOSE)) return CLOSE;
  const id = fieldIdOf(buf, start, end);
  if (id === FieldId.KEEP_ALIVE) return KEEP_ALIVE;
  if (id === FieldId.UPGRADE) return UPGRADE;
  // Dropping these because they are listed would change where the message ends or whom it is for.
  if (id === FieldId.CONTENT_LENGTH || id === FieldId.HOST) return ParseError.CONNECTION_NAMES_FRAMING;
  // Some servers list it with chunked bodies; it is passed on with the framing all the same.
  if (id === FieldId.TRANSFER_ENCODING) return 0;
  return id < SEEN_IDS && ((1 << id) & HOP_BY_HOP_MASK) !== 0 ? 0 : OTHER_OPTION;
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
