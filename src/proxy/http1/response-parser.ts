/** Response heads (RFC 9112 sections 4 and 6.3): the strict reading, in one pass over the bytes. */
import { Method } from "../../shared/series-table.ts";
import { CHAR_CLASS, CR, DIGIT, LF, SP, VALUE } from "./char-class.ts";
import { readFieldLines } from "./field-lines.ts";
import { FieldId } from "./field-names.ts";
import { readFraming } from "./framing.ts";
import { BodyKind, type HeadLimits, type ResponseHead } from "./head.ts";
import { INCOMPLETE, ParseError } from "./parse-error.ts";

const CODING_BIT = 1 << FieldId.TRANSFER_ENCODING;
const VERSION_PREFIX = new TextEncoder().encode("HTTP/1.");

/**
 * Parses one response head from `buf[start, end)` into `head`, with the framing of its body. A prefix gives
 * `INCOMPLETE` or the same result. The caller decides what 101 means for a request that asked for no upgrade.
 * @param requestMethod index into `METHODS` of the request that this answers.
 * @returns the offset after the head, `INCOMPLETE` (0) when more bytes are needed, or a negative `ParseError`.
 */
export function parseResponseHead(
  buf: Uint8Array,
  start: number,
  end: number,
  head: ResponseHead,
  limits: HeadLimits,
  requestMethod: number,
): number {
  const bound = start + limits.maxHeadBytes;
  const limit = Math.min(end, bound);
  head.fieldsStart = -1;
  head.start = start;
  let result = readStatusLine(buf, start, limit, head);
  if (result > 0) result = readFieldLines(buf, result, limit, head, limits.maxFields);
  if (result > 0) {
    const error = readFraming(buf, head);
    if (error !== 0) return error;
    head.headEnd = result;
    return readBodyKind(head, requestMethod, result);
  }
  return result === INCOMPLETE && end >= bound ? ParseError.HEAD_TOO_LARGE : result;
}

function readStatusLine(buf: Uint8Array, start: number, end: number, head: ResponseHead): number {
  let pos = start;
  for (let i = 0; i < 7; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if (buf[pos] !== VERSION_PREFIX[i]) return ParseError.INVALID_STATUS_LINE;
  }
  if (pos === end) return INCOMPLETE;
  const minor = buf[pos++] - 0x30;
  if (minor !== 0 && minor !== 1) return ParseError.INVALID_STATUS_LINE;
  if (pos === end) return INCOMPLETE;
  if (buf[pos++] !== SP) return ParseError.INVALID_STATUS_LINE;

  let status = 0;
  for (let i = 0; i < 3; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if ((CHAR_CLASS[buf[pos]] & DIGIT) === 0) return ParseError.INVALID_STATUS;
    status = status * 10 + (buf[pos] - 0x30);
  }
  if (status < 100 || status > 599) return ParseError.INVALID_STATUS;

  if (pos === end) return INCOMPLETE;
  let byte = buf[pos];
  // The space is required even before an empty reason, but enough servers leave it out, and nothing hangs on it.
  if (byte === SP) {
    if (++pos === end) return INCOMPLETE;
    byte = buf[pos];
  } else if (byte !== CR) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_STATUS;
  const reasonStart = pos;
  while ((CHAR_CLASS[byte] & VALUE) !== 0) {
    if (++pos === end) return INCOMPLETE;
    byte = buf[pos];
  }
  if (byte !== CR) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_STATUS_LINE;
  head.reasonStart = reasonStart;
  head.reasonEnd = pos;
  if (++pos === end) return INCOMPLETE;
  if (buf[pos] !== LF) return ParseError.BARE_CR;

  head.versionMinor = minor;
  head.status = status;
  head.fieldsStart = pos + 1;
  return pos + 1;
}

/** RFC 9112 section 6.3, in its order. @returns `headEnd` or a `ParseError`. */
function readBodyKind(head: ResponseHead, requestMethod: number, headEnd: number): number {
  const { status } = head;
  if (status < 200 && head.versionMinor === 0) return ParseError.INTERIM_VERSION;
  if (status < 200 || status === 204) {
    // A server that announces a body here may send one too, which would be read as the next response.
    if (head.chunked || head.contentLength > 0) return ParseError.BODY_NOT_ALLOWED;
    head.bodyKind = BodyKind.NONE;
  } else if (requestMethod === Method.HEAD || status === 304) head.bodyKind = BodyKind.NONE;
  else if (requestMethod === Method.CONNECT && status < 300) head.bodyKind = BodyKind.NONE;
  else if ((head.seen & CODING_BIT) !== 0) head.bodyKind = BodyKind.CHUNKED;
  else if (head.contentLength >= 0) head.bodyKind = BodyKind.LENGTH;
  else {
    head.bodyKind = BodyKind.UNTIL_CLOSE;
    head.keepAlive = false;
  }
  return headEnd;
}
