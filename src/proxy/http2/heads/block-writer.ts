/**
 * Heads of HTTP/1.1 as header blocks of HTTP/2 (RFC 9113 section 8.3), and trailers. What is written was made by this proxy or
 * passed its parsers: complete lines, each with a CRLF.
 */
import { CR, SP } from "../../http1/char-class.ts";
import { equalBytes } from "../../http1/copy.ts";
import { FieldId, fieldIdOf, HOP_BY_HOP_MASK, SEEN_IDS } from "../../http1/field-names.ts";
import { isWord } from "../../http1/framing.ts";
import { FIELD_OVERHEAD, type HpackEncoder } from "../hpack/encoder.ts";

/** What a line has at least: a letter, a colon, CRLF. */
const SHORTEST_LINE = 4;
/** Of pseudo-fields and size updates. */
const BLOCK_OVERHEAD = 64;

/** Entries of the static table. */
const StaticEntry = {
  AUTHORITY: 1,
  METHOD_GET: 2,
  METHOD_POST: 3,
  PATH_ROOT: 4,
  SCHEME_HTTP: 6,
  SCHEME_HTTPS: 7,
  STATUS_200: 8,
} as const;
/** Statuses with an entry of their own, from `STATUS_200` on. */
const STATIC_STATUSES: readonly number[] = [200, 204, 206, 304, 400, 404, 500];

const DROPPED = HOP_BY_HOP_MASK | (1 << FieldId.TRANSFER_ENCODING);
const GET = Buffer.from("GET");
const POST = Buffer.from("POST");
const CONNECT = Buffer.from("CONNECT");
const ROOT = Buffer.from("/");
const PROTOCOL = Buffer.from(":protocol");
const WORD_TRAILERS = Buffer.from("trailers");
const WEBSOCKET_KEY = Buffer.from("sec-websocket-key");
const WEBSOCKET_ACCEPT = Buffer.from("sec-websocket-accept");

/** What becomes of fields that are not for every message. */
const Message = { REQUEST: 0, RESPONSE: 1, TUNNEL: 2 } as const;
/** Where the status is in a status line. */
const STATUS_AT = "HTTP/1.1 ".length;

/** Room that a block needs for a head or trailers of so many bytes. */
export function mostBlockBytes(bytes: number): number {
  return bytes + Math.ceil(bytes / SHORTEST_LINE) * FIELD_OVERHEAD + BLOCK_OVERHEAD;
}

/**
 * Writes the response head `src[start … end)`, as `writeResponseHead` made it, as a block to `out[at]`.
 * @param tunnel it answers an extended CONNECT (RFC 8441 section 5): 101 becomes 200.
 * @returns the offset after the block.
 */
export function writeResponseBlock(
  encoder: HpackEncoder,
  out: Buffer,
  at: number,
  src: Buffer,
  start: number,
  end: number,
  tunnel: boolean,
): number {
  const digits = start + STATUS_AT;
  const status = (src[digits] - 48) * 100 + (src[digits + 1] - 48) * 10 + (src[digits + 2] - 48);
  let next = encoder.begin(out, at);
  const entry = STATIC_STATUSES.indexOf(tunnel && status === 101 ? 200 : status);
  next =
    entry >= 0
      ? encoder.indexed(out, next, StaticEntry.STATUS_200 + entry)
      : encoder.named(out, next, StaticEntry.STATUS_200, src, digits, digits + 3);
  return writeLines(encoder, out, next, src, lineEnd(src, digits), end - 2, tunnel ? Message.TUNNEL : Message.RESPONSE);
}

/**
 * Writes the request head `src[start … end)`, as `writeRequestHead` made it, as a block to `out[at]`.
 * @param secure the scheme is https.
 * @param tunnel it is a request to switch protocols, and becomes an extended CONNECT (RFC 8441 section 4).
 * @returns the offset after the block.
 */
export function writeRequestBlock(
  encoder: HpackEncoder,
  out: Buffer,
  at: number,
  src: Buffer,
  start: number,
  end: number,
  secure: boolean,
  tunnel: boolean,
): number {
  const methodEnd = src.indexOf(SP, start);
  const targetEnd = src.indexOf(SP, methodEnd + 1);
  const fields = lineEnd(src, targetEnd);
  let next = encoder.begin(out, at);
  next = tunnel
    ? encoder.named(out, next, StaticEntry.METHOD_GET, CONNECT, 0, CONNECT.length)
    : writeMethod(encoder, out, next, src, start, methodEnd);
  next = encoder.indexed(out, next, secure ? StaticEntry.SCHEME_HTTPS : StaticEntry.SCHEME_HTTP);
  next = equalBytes(src, methodEnd + 1, targetEnd, ROOT)
    ? encoder.indexed(out, next, StaticEntry.PATH_ROOT)
    : encoder.named(out, next, StaticEntry.PATH_ROOT, src, methodEnd + 1, targetEnd);
  // Pseudo-fields come first, wherever their lines are.
  const host = findField(encoder, src, fields, end - 2, FieldId.HOST);
  if (host) next = encoder.named(out, next, StaticEntry.AUTHORITY, src, encoder.valueStart, encoder.valueEnd);
  if (tunnel && findField(encoder, src, fields, end - 2, FieldId.UPGRADE)) {
    next = encoder.unnamed(out, next, PROTOCOL, src, encoder.valueStart, encoder.valueEnd);
  }
  return writeLines(encoder, out, next, src, fields, end - 2, tunnel ? Message.TUNNEL : Message.REQUEST);
}

/**
 * Writes trailers, `src[start … end)` as field lines that each end in CRLF, as a block to `out[at]`.
 * @returns the offset after the block.
 */
export function writeTrailerBlock(
  encoder: HpackEncoder,
  out: Buffer,
  at: number,
  src: Buffer,
  start: number,
  end: number,
): number {
  return writeLines(encoder, out, encoder.begin(out, at), src, start, end, Message.RESPONSE);
}

function writeLines(
  encoder: HpackEncoder,
  out: Buffer,
  start: number,
  src: Buffer,
  linesStart: number,
  linesEnd: number,
  message: number,
): number {
  let at = start;
  let pos = linesStart;
  while (pos < linesEnd) {
    const next = encoder.known(out, at, src, pos, linesEnd);
    if (next >= 0) at = next;
    else {
      encoder.scan(src, pos);
      const id = fieldIdOf(src, encoder.nameStart, encoder.nameEnd);
      if (!isDropped(id, encoder, src, message)) at = encoder.put(out, at, src, isSecret(id));
    }
    pos = encoder.lineEnd;
  }
  return at;
}

/** What must not be passed on in HTTP/2 (RFC 9113 section 8.2.2), or has become a pseudo-field. */
function isDropped(id: number, encoder: HpackEncoder, src: Buffer, message: number): boolean {
  const { nameStart, nameEnd, valueStart, valueEnd } = encoder;
  if (id === FieldId.TE) return message === Message.RESPONSE || !isWord(src, valueStart, valueEnd, WORD_TRAILERS);
  if (id === FieldId.HOST) return message !== Message.RESPONSE;
  if (id !== FieldId.OTHER) return id < SEEN_IDS && (DROPPED & (1 << id)) !== 0;
  return (
    message === Message.TUNNEL &&
    (isWord(src, nameStart, nameEnd, WEBSOCKET_KEY) || isWord(src, nameStart, nameEnd, WEBSOCKET_ACCEPT))
  );
}

/** Fields whose values are worth guessing: in no table, here and wherever they are passed on (RFC 7541 section 7.1.3). */
function isSecret(id: number): boolean {
  return (
    id === FieldId.AUTHORIZATION ||
    id === FieldId.COOKIE ||
    id === FieldId.SET_COOKIE ||
    id === FieldId.PROXY_AUTHORIZATION
  );
}

function writeMethod(encoder: HpackEncoder, out: Buffer, at: number, src: Buffer, start: number, end: number): number {
  if (equalBytes(src, start, end, GET)) return encoder.indexed(out, at, StaticEntry.METHOD_GET);
  if (equalBytes(src, start, end, POST)) return encoder.indexed(out, at, StaticEntry.METHOD_POST);
  return encoder.named(out, at, StaticEntry.METHOD_GET, src, start, end);
}

/** Has the encoder read the first line with this identity. @returns false when there is none. */
function findField(encoder: HpackEncoder, src: Buffer, start: number, end: number, id: number): boolean {
  for (let pos = start; pos < end; pos = encoder.lineEnd) {
    encoder.scan(src, pos);
    if (fieldIdOf(src, encoder.nameStart, encoder.nameEnd) === id) return true;
  }
  return false;
}

/** The offset after the line that `src[pos]` is in. */
function lineEnd(src: Buffer, pos: number): number {
  return src.indexOf(CR, pos) + 2;
}
