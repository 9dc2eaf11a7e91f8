/**
 * Response heads (RFC 9112 sections 4 and 6.3), in one pass over the bytes. Where servers break the grammar and still mean
 * only one thing, they are understood; what could be read in two ways is refused. docs/messages.md is the list.
 */
import { Method } from "../../shared/memory/series-table.ts";
import { CHAR_CLASS, CR, DIGIT, DOT, LAX_VALUE, LF, SP, ZERO } from "./char-class.ts";
import { readFieldLines } from "./field-lines.ts";
import { FieldId } from "./field-names.ts";
import { readFraming } from "./framing.ts";
import { BodyKind, type HeadLimits, type ResponseHead } from "./head.ts";
import { INCOMPLETE, ParseError } from "./parse-error.ts";

const FRAMING_BITS = (1 << FieldId.TRANSFER_ENCODING) | (1 << FieldId.CONTENT_LENGTH);
const VERSION_PREFIX = new TextEncoder().encode("HTTP/");
/** Where the status is in a status line. */
const STATUS_AT = "HTTP/1.1 ".length;

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
  if (result > 0) result = readFieldLines(buf, result, limit, head, limits.maxFields, true);
  if (result > 0) {
    const error = readFraming(buf, head, true);
    if (error !== 0) return error;
    head.headEnd = result;
    if (!head.majorKnown) head.keepAlive = false;
    const end = readBodyKind(head, requestMethod, result);
    if (head.reframe || head.bareLineFeeds) head.regular = false;
    return end;
  }
  return result === INCOMPLETE && end >= bound ? ParseError.HEAD_TOO_LARGE : result;
}

function readStatusLine(buf: Uint8Array, start: number, end: number, head: ResponseHead): number {
  let pos = start;
  for (let i = 0; i < 5; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if (buf[pos] !== VERSION_PREFIX[i]) return ParseError.INVALID_STATUS_LINE;
  }
  for (let i = 0; i < 3; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if (i === 1 ? buf[pos] !== DOT : (CHAR_CLASS[buf[pos]] & DIGIT) === 0) return ParseError.INVALID_STATUS_LINE;
  }
  const major = buf[pos - 3] - ZERO;
  const minor = buf[pos - 1] - ZERO;
  if (major === 0) return ParseError.INVALID_STATUS_LINE;
  if (pos === end) return INCOMPLETE;
  if (buf[pos++] !== SP) return ParseError.INVALID_STATUS_LINE;
  while (pos < end && buf[pos] === SP) pos++;
  head.regular = major === 1 && minor === 1 && pos === start + STATUS_AT;

  let status = 0;
  for (let i = 0; i < 3; i++, pos++) {
    if (pos === end) return INCOMPLETE;
    if ((CHAR_CLASS[buf[pos]] & DIGIT) === 0) return ParseError.INVALID_STATUS;
    status = status * 10 + (buf[pos] - ZERO);
  }
  if (status < 100) return ParseError.INVALID_STATUS;

  if (pos === end) return INCOMPLETE;
  let byte = buf[pos];
  // The space is required even before an empty reason, but enough servers leave it out, and nothing hangs on it.
  if (byte === SP) {
    if (++pos === end) return INCOMPLETE;
    byte = buf[pos];
  } else if (byte !== CR && byte !== LF) return ParseError.INVALID_STATUS;
  else head.regular = false;
  const reasonStart = pos;
  while ((CHAR_CLASS[byte] & LAX_VALUE) !== 0) {
    if (++pos === end) return INCOMPLETE;
    byte = buf[pos];
  }
  head.reasonStart = reasonStart;
  head.reasonEnd = pos;
  if (byte === CR) {
    if (++pos === end) return INCOMPLETE;
    if (buf[pos] !== LF) return ParseError.BARE_CR;
  } else if (byte === LF) head.regular = false;
  else return ParseError.INVALID_STATUS_LINE;

  // A version that we do not know is answered for in the nearest that we do (RFC 9110 section 2.5).
  head.versionMinor = major === 1 && minor === 0 ? 0 : 1;
  head.majorKnown = major === 1;
  head.status = status;
  head.fieldsStart = pos + 1;
  return pos + 1;
}

/**
 * RFC 9112 section 6.3, in its order. A server that announces a body where there can be none may send one as well, which
 * would be read as the next response, perhaps another client's: nothing more is read from its connection (`keepAlive`).
 * @returns `headEnd` or a `ParseError`.
 */
function readBodyKind(head: ResponseHead, requestMethod: number, headEnd: number): number {
  const { status } = head;
  if (status < 200 && head.versionMinor === 0) return ParseError.INTERIM_VERSION;
  const announced = head.chunked || head.contentLength > 0;
  head.bodyKind = BodyKind.NONE;
  if (status < 200 || status === 204) {
    // Fields about a body mean nothing here, and a client might believe them (RFC 9110 section 8.6, RFC 9112 section 6.1).
    if ((head.seen & FRAMING_BITS) !== 0) head.reframe = true;
    if (announced) head.keepAlive = false;
  } else if (status === 304 || (requestMethod === Method.CONNECT && status < 300)) {
    if (announced) head.keepAlive = false;
  } else if (requestMethod === Method.HEAD) {
    // Without a length, a server that took HEAD for GET sends its body until it closes.
    if (head.contentLength !== 0) head.keepAlive = false;
  } else if (head.chunked) head.bodyKind = BodyKind.CHUNKED;
  else if (head.contentLength >= 0) head.bodyKind = BodyKind.LENGTH;
  else {
    head.bodyKind = BodyKind.UNTIL_CLOSE;
    head.keepAlive = false;
  }
  return headEnd;
}
