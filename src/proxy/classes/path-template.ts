/**
 * Which requests are alike: a method and a path in which whatever names one thing of many (a number, an id, a hash, a date, a
 * long token, text in other letters) is folded to `{id}`. The query counts for nothing. A template is known by a hash; its text
 * is only written where somebody is to read it.
 */
import { TEMPLATE_BYTES } from "../../shared/memory/layout/classes.ts";

/** What a folded segment reads as. */
const ID = "{id}";
/** Segments beyond these count for nothing. */
const MOST_SEGMENTS = 12;
/** Bytes of a path that are looked at. Whatever is behind them counts for nothing. */
const MOST_BYTES = 512;

/** So many digits name one thing of many; fewer are a version. */
const ID_DIGITS = 3;
/** A segment of hexadecimal digits, a decimal one among them, is an id from so many on. */
const HEX_LENGTH = 8;
/** Small and capital letters with a digit among them are a token from so many on. */
const MIXED_LENGTH = 20;
/** Anything is, from so many on. */
const LONG_LENGTH = 32;
/** Longest extension of a file name, without its dot. */
const EXTENSION_LENGTH = 5;

const DIGIT = 1;
const LOWER = 2;
const UPPER = 4;
/** No hexadecimal digit. */
const NOT_HEX = 8;
/** Of content rather than of a route: `%`, bytes beyond ASCII, `@`, `=`, `,`, `;`. */
const CONTENT = 16;
/** Ends a segment: `/`, `?`, `#`. */
const END = 32;
const DOT = 0x2e;
const SLASH = 0x2f;
const MIXED = DIGIT | LOWER | UPPER;

const KIND = kinds();

const ID_MARK = 0x100;
const ANY_MARK = 0x101;
const SEGMENT_MARK = 0x102;

/** FNV-1a (Fowler, Noll & Vo) from a secret start: nobody outside can make two templates meet. */
function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** The finish of MurmurHash3: every bit of the hash comes to depend on every other. 0 is kept for "none". */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h === 0 ? 1 : h;
}

/** Folds paths; one object serves all requests of a worker, and allocates nothing. */
export class PathTemplate {
  readonly #secret: number;
  /** Of the template; never 0. */
  hash = 0;
  /** Of the template with `*` for its last segment; 0 = the last segment is `{id}` anyhow, or there is none. */
  parent = 0;

  /** @param secret 32 bits that nobody outside knows; the same in all workers. */
  constructor(secret: number) {
    this.#secret = secret;
  }

  /**
   * Takes in the path `bytes[start … end)`, with or without a query behind it.
   * @param method index into `METHODS`.
   * @param route number of the request's route: templates of two routes are never alike.
   * @param literal nothing is an id: calls of gRPC name their service and method.
   */
  read(bytes: Uint8Array, start: number, end: number, method: number, route: number, literal: boolean): void {
    const last = Math.min(end, start + MOST_BYTES);
    let hash = mix(mix(this.#secret ^ Math.imul(route + 1, 0x9e3779b1), method), SEGMENT_MARK);
    let before = hash;
    let isFolded = true;
    let at = start;
    for (let segments = 0; at < last && segments < MOST_SEGMENTS; ) {
      if (bytes[at] === SLASH) {
        at++;
        continue;
      }
      if ((KIND[bytes[at]] & END) !== 0) break;
      const stop = segmentEnd(bytes, at, last);
      segments++;
      before = mix(hash, SEGMENT_MARK);
      hash = before;
      const kept = literal ? 0 : foldedEnd(bytes, at, stop);
      isFolded = kept > 0;
      if (isFolded) {
        hash = mix(hash, ID_MARK);
        at = kept;
      }
      for (; at < stop; at++) hash = mix(hash, bytes[at]);
    }
    this.hash = finish(hash);
    this.parent = isFolded || literal ? 0 : finish(mix(before, ANY_MARK));
  }

  /**
   * Writes the text of a template, as `read` takes it in, into `to`.
   * @returns its length, at most `TEMPLATE_BYTES`; what does not fit is cut, and ends with `…`.
   */
  write(bytes: Uint8Array, start: number, end: number, literal: boolean, to: Uint8Array): number {
    const last = Math.min(end, start + MOST_BYTES);
    let length = 0;
    let at = start;
    for (let segments = 0; at < last && segments < MOST_SEGMENTS; ) {
      if (bytes[at] === SLASH) {
        at++;
        continue;
      }
      if ((KIND[bytes[at]] & END) !== 0) break;
      const stop = segmentEnd(bytes, at, last);
      segments++;
      length = put(to, length, SLASH);
      const kept = literal ? 0 : foldedEnd(bytes, at, stop);
      if (kept > 0) {
        length = putText(to, length, ID);
        at = kept;
      }
      for (; at < stop; at++) length = put(to, length, bytes[at]);
    }
    if (length === 0) length = put(to, 0, SLASH);
    if (length <= TEMPLATE_BYTES) return length;
    to.set(CUT, TEMPLATE_BYTES - CUT.length);
    return TEMPLATE_BYTES;
  }
}

const CUT = new TextEncoder().encode("…");

/** Counts on beyond the end, so that what is cut can be told. */
function put(to: Uint8Array, at: number, byte: number): number {
  if (at < TEMPLATE_BYTES) to[at] = byte;
  return at + 1;
}

function putText(to: Uint8Array, at: number, text: string): number {
  let next = at;
  for (let i = 0; i < text.length; i++) next = put(to, next, text.charCodeAt(i));
  return next;
}

function segmentEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (KIND[bytes[at]] & END) === 0) at++;
  return at;
}

/**
 * Does the segment `bytes[start … end)` name one thing of many? Then the offset at which the part of it begins that is kept, its
 * extension or nothing; else 0.
 */
function foldedEnd(bytes: Uint8Array, start: number, end: number): number {
  let seen = 0;
  let digits = 0;
  let dot = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    const kind = KIND[byte];
    seen |= kind;
    digits += kind & DIGIT;
    if (byte === DOT) dot = at;
  }
  if (digits === 0 && (seen & CONTENT) === 0 && end - start < LONG_LENGTH) return 0;
  if (dot > start && isExtension(bytes, dot + 1, end)) return foldsWhole(bytes, start, dot) ? dot : 0;
  return names(seen, digits, end - start) ? end : 0;
}

function foldsWhole(bytes: Uint8Array, start: number, end: number): boolean {
  let seen = 0;
  let digits = 0;
  for (let at = start; at < end; at++) {
    const kind = KIND[bytes[at]];
    seen |= kind;
    digits += kind & DIGIT;
  }
  return names(seen, digits, end - start);
}

function names(seen: number, digits: number, length: number): boolean {
  return (
    digits >= ID_DIGITS ||
    digits === length ||
    (seen & CONTENT) !== 0 ||
    length >= LONG_LENGTH ||
    (digits > 0 && length >= HEX_LENGTH && (seen & NOT_HEX) === 0) ||
    (length >= MIXED_LENGTH && (seen & MIXED) === MIXED)
  );
}

/** Is it a letter, and then letters and digits, as in `mp4`? */
function isExtension(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > EXTENSION_LENGTH || (KIND[bytes[start]] & (LOWER | UPPER)) === 0) return false;
  for (let at = start + 1; at < end; at++) if ((KIND[bytes[at]] & MIXED) === 0) return false;
  return true;
}

function kinds(): Uint8Array {
  const table = new Uint8Array(256).fill(NOT_HEX);
  for (let byte = 0x80; byte < 256; byte++) table[byte] = CONTENT | NOT_HEX;
  for (const letter of "%@=,;") table[letter.charCodeAt(0)] = CONTENT | NOT_HEX;
  for (const letter of "/?#") table[letter.charCodeAt(0)] = END;
  for (const letter of "0123456789") table[letter.charCodeAt(0)] = DIGIT;
  for (let byte = 0x61; byte <= 0x7a; byte++) table[byte] = byte <= 0x66 ? LOWER : LOWER | NOT_HEX;
  for (let byte = 0x41; byte <= 0x5a; byte++) table[byte] = byte <= 0x46 ? UPPER : UPPER | NOT_HEX;
  return table;
}
