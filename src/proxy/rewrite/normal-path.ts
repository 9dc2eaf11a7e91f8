/**
 * The normal form of a path (RFC 3986 section 6.2.2), as text: for paths that are not in it already, which few are. Routes
 * are matched on it. All of this takes time in proportion to the path's length.
 */
import { CHAR_CLASS, DIGIT, DOT, HEX, HEX_VALUE, PERCENT, UNDERSCORE } from "../http1/char-class.ts";

const TILDE = 0x7e;
const HYPHEN = 0x2d;
const LETTER_F = 0x66;
const LETTER_U = 0x75;
/** What makes an ASCII character of the low byte of its wide form. */
const WIDE_FORMS = 0x20;
/** Decodings that somebody may do on a path's way. */
const MOST_DECODINGS = 3;
/** Longer paths are not decoded: that would take time. */
const MOST_BYTES = 8192;
/** UTF-8 that is longer than it has to be: some decoders read what it would mean, also where its last byte is another. */
const OVERLONG = /(?:[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f][\x80-\xbf])[\0-\xff]/g;
/**
 * `..` between what servers take for slashes, with blanks around it, or with parameters, or with what a reader of
 * NUL-terminated text, of text that ends at any control character, or of a whole target does not see behind it.
 */
const PARENT = /(?:^|[/\\])\s*\.\.\s*(?:[/\\;?#\0-\x1f\x7f]|$)/;

/** Unreserved characters decoded, the digits of other encodings in capitals, dot segments left in. */
export function decodeUnreserved(path: string): string {
  return path.includes("%") ? decoded(path, isUnreserved, false) : path;
}

/** The normal form of a path that begins with a slash, without a query. */
export function normalPath(path: string): string {
  return withoutDotSegments(decodeUnreserved(path));
}

/** Has it segments that are `.` or `..`? */
export function hasDotSegments(path: string): boolean {
  return /(?:^|\/)\.\.?(?:\/|$)/.test(path);
}

/** RFC 3986 section 5.2.4, of a path that begins with a slash. */
function withoutDotSegments(path: string): string {
  if (!hasDotSegments(path)) return path;
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === "..") kept.pop();
    if (segment !== ".." && segment !== ".") kept.push(segment);
    else if (last) kept.push("");
  }
  return `/${kept.join("/")}`;
}

/**
 * May a server read `..` in it, however it decodes (more than once, a backslash or an encoded slash as a slash, without what
 * follows a semicolon or an encoded NUL)? Behind a prefix that was written by us that would lead out of it.
 */
export function mayClimb(path: string): boolean {
  if (path.length > MOST_BYTES && path.includes("%")) return true;
  let text = path;
  for (let decodings = 0; decodings <= MOST_DECODINGS; decodings++) {
    if (PARENT.test(text) || PARENT.test(text.replace(OVERLONG, shortened))) return true;
    const next = text.includes("%") ? decoded(text, () => true, true) : text;
    if (next === text) return false;
    text = next;
  }
  return true; // encoded so often, nobody knows
}

function shortened(bytes: string): string {
  const last = bytes.length - 1;
  return String.fromCharCode(((bytes.charCodeAt(last - 1) & 1) << 6) | (bytes.charCodeAt(last) & 0x3f));
}

/** RFC 3986 section 2.3. */
function isUnreserved(byte: number): boolean {
  const isDigit = (CHAR_CLASS[byte] & DIGIT) !== 0;
  return isLetter(byte) || isDigit || byte === DOT || byte === HYPHEN || byte === UNDERSCORE || byte === TILDE;
}

function isLetter(byte: number): boolean {
  const small = byte | 0x20;
  return byte >= 0x41 && small >= 0x61 && small <= 0x7a;
}

/** @param unicode `%uXXXX` is an encoding, too, of which the low byte counts, or what a wide form is the wide form of. */
function decoded(path: string, decodes: (byte: number) => boolean, unicode: boolean): string {
  const bytes = Buffer.from(path, "latin1");
  let out = 0;
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes[at] === PERCENT ? digitsAt(bytes, at, unicode) : 0;
    if (digits === 0) {
      bytes[out++] = bytes[at++];
      continue;
    }
    const low = HEX_VALUE[bytes[at + digits - 1]] * 16 + HEX_VALUE[bytes[at + digits]];
    const byte = digits === 5 && isWide(bytes, at + 2) ? low + WIDE_FORMS : low;
    if (decodes(byte)) bytes[out++] = byte;
    else for (let i = 0; i <= digits; i++) bytes[out++] = capital(bytes[at + i]);
    at += digits + 1;
  }
  return bytes.toString("latin1", 0, out);
}

/** How many characters follow the percent sign and are part of the encoding; 0 = it is none. */
function digitsAt(bytes: Buffer, at: number, unicode: boolean): number {
  if (isHex(bytes, at + 1, 2)) return 2;
  return unicode && (bytes[at + 1] | 0x20) === LETTER_U && isHex(bytes, at + 2, 4) ? 5 : 0;
}

/** U+FF01 to U+FF5E are wide forms of ASCII. */
function isWide(bytes: Buffer, start: number): boolean {
  return (bytes[start] | 0x20) === LETTER_F && (bytes[start + 1] | 0x20) === LETTER_F;
}

function isHex(bytes: Buffer, start: number, count: number): boolean {
  if (start + count > bytes.length) return false;
  for (let i = start; i < start + count; i++) if ((CHAR_CLASS[bytes[i]] & HEX) === 0) return false;
  return true;
}

function capital(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte & ~0x20 : byte;
}
