/**
 * What fields may be (RFC 9113 section 8.2): nothing that a reader of HTTP/1.1 could take for something else. Looked at once per
 * field that comes as a literal; what a table knows is known to be right or wrong.
 */
import {
  ASTERISK,
  CHAR_CLASS,
  COLON,
  DIGIT,
  HASH,
  LAX_VALUE,
  OWS,
  SLASH,
  TARGET,
  TOKEN,
  VALUE,
  ZERO,
} from "../../http1/char-class.ts";
import { equalBytes } from "../../http1/copy.ts";
import { FieldId, fieldIdOf } from "../../http1/field-names.ts";
import { isWord } from "../../http1/framing.ts";
import { ParseError } from "../../http1/parse-error.ts";
import type { FieldRules } from "../hpack/decoder.ts";
import { STATIC_BYTES, STATIC_ENTRIES, STATIC_NAME_ENDS, STATIC_STARTS } from "../hpack/static-table.ts";
import { FIRST_PSEUDO_KIND, FieldKind, kindOf, markOf } from "./field-mark.ts";

interface PseudoName {
  readonly name: Uint8Array;
  /** One of `FieldKind`. */
  readonly kind: number;
}

const WORD_TRAILERS = Buffer.from("trailers");
const WORD_HTTP = Buffer.from("http");
const WORD_HTTPS = Buffer.from("https");
const SWITCHING_PROTOCOLS = Buffer.from("101");

const WEBSOCKET_KEY = Buffer.from("sec-websocket-key");

const REQUEST_PSEUDO: readonly PseudoName[] = [
  { name: Buffer.from(":method"), kind: FieldKind.METHOD },
  { name: Buffer.from(":scheme"), kind: FieldKind.SCHEME },
  { name: Buffer.from(":authority"), kind: FieldKind.AUTHORITY },
  { name: Buffer.from(":path"), kind: FieldKind.PATH },
  { name: Buffer.from(":protocol"), kind: FieldKind.PROTOCOL },
];
const RESPONSE_PSEUDO: readonly PseudoName[] = [{ name: Buffer.from(":status"), kind: FieldKind.STATUS }];

/** Those of one direction. */
class DirectionRules implements FieldRules {
  readonly ofStatic = new Int32Array(STATIC_ENTRIES + 1);
  readonly #pseudo: readonly PseudoName[];
  readonly #strict: boolean;

  /** @param strict nobody is to send what some read otherwise; else only what nobody can pass on is wrong. */
  constructor(pseudo: readonly PseudoName[], strict: boolean) {
    this.#pseudo = pseudo;
    this.#strict = strict;
    for (let index = 1; index <= STATIC_ENTRIES; index++) {
      const nameEnd = STATIC_NAME_ENDS[index];
      const mark = this.ofName(STATIC_BYTES, STATIC_STARTS[index], nameEnd);
      this.ofStatic[index] = this.ofValue(mark, STATIC_BYTES, nameEnd + 2, STATIC_STARTS[index + 1] - 2);
    }
  }

  ofName(buf: Uint8Array, start: number, end: number): number {
    if (start === end) return markOf(FieldKind.WRONG_NAME, ParseError.EMPTY_FIELD_NAME);
    if (buf[start] === COLON) {
      for (const { name, kind } of this.#pseudo) if (equalBytes(buf, start, end, name)) return markOf(kind, 0);
      return markOf(FieldKind.WRONG_NAME, ParseError.UNKNOWN_PSEUDO_FIELD);
    }
    for (let i = start; i < end; i++) {
      const byte = buf[i];
      if ((CHAR_CLASS[byte] & TOKEN) === 0) return markOf(FieldKind.WRONG_NAME, ParseError.INVALID_FIELD_NAME);
      if (byte >= 0x41 && byte <= 0x5a) return markOf(FieldKind.WRONG_NAME, ParseError.UPPER_CASE_NAME);
    }
    switch (fieldIdOf(buf, start, end)) {
      case FieldId.CONNECTION:
      case FieldId.KEEP_ALIVE:
      case FieldId.PROXY_CONNECTION:
      case FieldId.TRANSFER_ENCODING:
      case FieldId.UPGRADE:
        return markOf(FieldKind.WRONG_NAME, ParseError.CONNECTION_FIELD);
      case FieldId.TE:
        return markOf(FieldKind.TE, 0);
      case FieldId.COOKIE:
        return markOf(FieldKind.COOKIE, 0);
      case FieldId.HOST:
        return markOf(FieldKind.HOST, 0);
      case FieldId.CONTENT_LENGTH:
        return markOf(FieldKind.CONTENT_LENGTH, 0);
      default:
        return markOf(equalBytes(buf, start, end, WEBSOCKET_KEY) ? FieldKind.WEBSOCKET_KEY : FieldKind.PLAIN, 0);
    }
  }

  ofValue(nameMark: number, buf: Uint8Array, start: number, end: number): number {
    const kind = kindOf(nameMark);
    if (kind === FieldKind.WRONG_NAME) return nameMark;
    if (!this.#strict && kind < FIRST_PSEUDO_KIND) {
      return markOf(kind, isOf(LAX_VALUE, buf, start, end) ? 0 : ParseError.INVALID_FIELD_VALUE);
    }
    return markOf(kind, valueError(kind, buf, start, end));
  }
}

/** Fields of requests: strict. */
export const REQUEST_RULES: FieldRules = new DirectionRules(REQUEST_PSEUDO, true);
/** Fields of responses: as servers write them, as far as there is one reading only. */
export const RESPONSE_RULES: FieldRules = new DirectionRules(RESPONSE_PSEUDO, false);

/** What is wrong with a value of this kind. @returns a `ParseError`; 0 = nothing. */
function valueError(kind: number, buf: Uint8Array, start: number, end: number): number {
  switch (kind) {
    case FieldKind.METHOD:
      return start < end && isOf(TOKEN, buf, start, end) ? 0 : ParseError.INVALID_METHOD;
    case FieldKind.SCHEME:
      return isWord(buf, start, end, WORD_HTTP) || isWord(buf, start, end, WORD_HTTPS) ? 0 : ParseError.TARGET_SCHEME;
    case FieldKind.PATH:
      return pathError(buf, start, end);
    case FieldKind.PROTOCOL:
      return start < end && isOf(TOKEN, buf, start, end) ? 0 : ParseError.INVALID_PROTOCOL;
    case FieldKind.STATUS:
      return statusError(buf, start, end);
    case FieldKind.TE:
      return isWord(buf, start, end, WORD_TRAILERS) ? 0 : ParseError.INVALID_TE;
    default:
      if (!isOf(VALUE, buf, start, end)) return ParseError.INVALID_FIELD_VALUE;
      return start < end && ((CHAR_CLASS[buf[start]] | CHAR_CLASS[buf[end - 1]]) & OWS) !== 0
        ? ParseError.SPACE_AROUND_VALUE
        : 0;
  }
}

function isOf(byteClass: number, buf: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((CHAR_CLASS[buf[i]] & byteClass) === 0) return false;
  return true;
}

/** A path with its query, or `*` (RFC 9113 section 8.3.1): absolute form is for HTTP/1.1 alone. */
function pathError(buf: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if ((CHAR_CLASS[buf[i]] & TARGET) === 0) {
      return buf[i] === HASH ? ParseError.TARGET_FRAGMENT : ParseError.INVALID_TARGET;
    }
  }
  const known = start < end && (buf[start] === SLASH || (buf[start] === ASTERISK && end - start === 1));
  return known ? 0 : ParseError.INVALID_TARGET;
}

/** Three digits from 100 on. There is no 101 in HTTP/2 (RFC 9113 section 8.6). */
function statusError(buf: Uint8Array, start: number, end: number): number {
  if (end - start !== 3 || !isOf(DIGIT, buf, start, end) || buf[start] === ZERO) return ParseError.INVALID_STATUS;
  return equalBytes(buf, start, end, SWITCHING_PROTOCOLS) ? ParseError.INVALID_STATUS : 0;
}
