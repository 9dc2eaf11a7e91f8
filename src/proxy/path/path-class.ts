/** What each byte is in a path (RFC 3986 section 3.3), and what servers may make of it. */
import { BACKSLASH, DOT, HEX_VALUE, PERCENT, QUESTION, SEMICOLON, SLASH } from "../http1/char-class.ts";

/** Bit: means the same whether it is percent-encoded or not (RFC 3986 section 2.3). */
export const UNRESERVED = 1;
/** Bit: stands in a path as it is, but is another byte once it is percent-encoded: `sub-delims`, `:` and `@`. */
export const DELIMITER = 2;
/** Bit: a scan has to look closer. */
const SPECIAL = 4;
/** Bit: encoded, it is a byte that can't be read in another way than encoded. In a path in normal form it is `%XX`. */
const ALWAYS_ENCODED = 8;
/** Bit: encoded, it ends what some servers read: control characters such as NUL, `?` and `#`. */
export const ENDS_READING = 16;

const SPACE = 0x20;
const DELETE = 0x7f;
/** First bytes of UTF-8 sequences that are longer than they have to be, or may be: some decoders read `/` or `.` in them. */
const OVERLONG_FROM = 0xc0;
const OVERLONG_TO = 0xc1;
const LETTER_F = 0x46;

/** Bit set for each byte. */
export const PATH_CLASS: Uint8Array = buildClasses();
/** The digits of `%XX` as the normal form has them. */
export const HEX_DIGITS: Uint8Array = new TextEncoder().encode("0123456789ABCDEF");

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256).fill(SPECIAL | ALWAYS_ENCODED);
  for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
    table[character.charCodeAt(0)] = UNRESERVED;
  }
  for (const character of "!$&'()*+,;=:@") table[character.charCodeAt(0)] = DELIMITER;
  table[SEMICOLON] |= SPECIAL;
  table[SLASH] = SPECIAL;
  table[BACKSLASH] = SPECIAL;
  table[PERCENT] = SPECIAL;
  for (let byte = 0; byte < SPACE; byte++) table[byte] = SPECIAL | ENDS_READING;
  table[DELETE] = SPECIAL | ENDS_READING;
  table[QUESTION] = SPECIAL | ENDS_READING;
  table[0x23] = SPECIAL | ENDS_READING;
  for (let byte = OVERLONG_FROM; byte <= OVERLONG_TO; byte++) table[byte] = SPECIAL;
  table[0xe0] = SPECIAL;
  table[0xf0] = SPECIAL;
  return table;
}

/**
 * Whether `%` at `buf[at]` begins an octet that the normal form writes as it stands here, and that every server reads alike.
 * A lower-case digit, what need not be encoded, and whatever servers read in several ways is not of that kind.
 */
function isSettledOctet(buf: Uint8Array, at: number, end: number): boolean {
  if (at + 2 >= end) return false;
  const high = buf[at + 1];
  const low = buf[at + 2];
  if (high > LETTER_F || low > LETTER_F) return false;
  const value = (HEX_VALUE[high] << 4) | HEX_VALUE[low];
  return HEX_VALUE[high] < 16 && HEX_VALUE[low] < 16 && (PATH_CLASS[value] & ALWAYS_ENCODED) !== 0;
}

/** Whether a dot segment begins after the slash at `buf[at]`. */
function isDotSegment(buf: Uint8Array, at: number, end: number): boolean {
  let next = at + 1;
  while (next < end && next < at + 3 && buf[next] === DOT) next++;
  return next > at + 1 && (next === end || buf[next] === SLASH || buf[next] === QUESTION);
}

/**
 * Reads the path that begins at `buf[start]` up to its query or to `end`.
 * @returns where the path ends; `-1 - end` if it is not in normal form, or not all servers read it alike.
 */
export function scanPath(buf: Uint8Array, start: number, end: number): number {
  let settled = true;
  let at = start;
  for (; at < end; at++) {
    const byte = buf[at];
    if ((PATH_CLASS[byte] & SPECIAL) === 0) continue;
    if (byte === SLASH) {
      const next = at + 1 < end ? buf[at + 1] : QUESTION;
      if (next === SLASH || (next === DOT && isDotSegment(buf, at, end))) settled = false;
    } else if (byte === QUESTION) {
      break;
    } else if (byte === PERCENT && isSettledOctet(buf, at, end)) {
      at += 2;
    } else {
      settled = false;
    }
  }
  return settled ? at : -1 - at;
}
