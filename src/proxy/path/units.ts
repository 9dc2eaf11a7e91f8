/**
 * A path while it is read: one unit per byte that a server might see, which remembers whether it came percent-encoded. The
 * steps of which a reading is made (readings.ts); each works in place, and returns the new count of units.
 */
import { BACKSLASH, DOT, HEX_VALUE, PERCENT, SEMICOLON, SLASH } from "../http1/char-class.ts";
import { DELIMITER, ENDS_READING, HEX_DIGITS, PATH_CLASS, UNRESERVED } from "./path-class.ts";

/** Bit of a unit: it was percent-encoded. A `%` that encodes nothing is read as `%25`, as servers do that put up with it. */
export const ENCODED = 0x100;
/** A slash that separates nothing, because it was encoded. */
export const ENCODED_SLASH = SLASH | ENCODED;
const ENCODED_PERCENT = PERCENT | ENCODED;
const BYTE = 0xff;

/** Decodes `buf[start, end)` once. @returns the count of units. */
export function decode(buf: Uint8Array, start: number, end: number, units: Uint16Array): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    const byte = buf[at];
    if (byte !== PERCENT) units[count++] = byte;
    else if (at + 2 < end && HEX_VALUE[buf[at + 1]] < 16 && HEX_VALUE[buf[at + 2]] < 16) {
      units[count++] = (HEX_VALUE[buf[at + 1]] << 4) | HEX_VALUE[buf[at + 2]] | ENCODED;
      at += 2;
    } else units[count++] = ENCODED_PERCENT;
  }
  return count;
}

/** Decodes once more. */
export function decodeAgain(units: Uint16Array, count: number): number {
  let out = 0;
  for (let at = 0; at < count; at++) {
    const unit = units[at];
    const high = at + 2 < count ? HEX_VALUE[units[at + 1] & BYTE] : 255;
    if (unit === ENCODED_PERCENT && high < 16 && HEX_VALUE[units[at + 2] & BYTE] < 16) {
      units[out++] = (high << 4) | HEX_VALUE[units[at + 2] & BYTE] | ENCODED;
      at += 2;
    } else units[out++] = unit;
  }
  return out;
}

/** Delimiters that were encoded are as if they had not been. */
export function bareDelimiters(units: Uint16Array, count: number): void {
  for (let at = 0; at < count; at++) {
    if (units[at] > BYTE && (PATH_CLASS[units[at] & BYTE] & DELIMITER) !== 0) units[at] &= BYTE;
  }
}

/** Encoded slashes become slashes. */
export function separateAtSlashes(units: Uint16Array, count: number): void {
  for (let at = 0; at < count; at++) if (units[at] === ENCODED_SLASH) units[at] = SLASH;
}

/** Backslashes become slashes. @param asTheyStand only those that are not encoded. */
export function separateAtBackslashes(units: Uint16Array, count: number, asTheyStand: boolean): void {
  const bits = asTheyStand ? ENCODED | BYTE : BYTE;
  for (let at = 0; at < count; at++) if ((units[at] & bits) === BACKSLASH) units[at] = SLASH;
}

/** Leaves out what follows a `;` in a segment. */
export function stripParameters(units: Uint16Array, count: number): number {
  let out = 0;
  let inside = false;
  for (let at = 0; at < count; at++) {
    if (units[at] === SLASH) inside = false;
    else if (units[at] === SEMICOLON) inside = true;
    if (!inside) units[out++] = units[at];
  }
  return out;
}

/** Leaves out what follows an encoded control character, `?` or `#`. */
export function cut(units: Uint16Array, count: number): number {
  for (let at = 1; at < count; at++) if (endsReading(units[at])) return at;
  return count;
}

/** Leaves out empty segments but the last. */
export function mergeSlashes(units: Uint16Array, count: number): number {
  let out = 0;
  for (let at = 0; at < count; at++) {
    if (units[at] !== SLASH || out === 0 || units[out - 1] !== SLASH) units[out++] = units[at];
  }
  return out;
}

/** Leaves out the first segment that is not empty, if there is an empty one before it: `//host/path`. */
export function withoutAuthority(units: Uint16Array, count: number): number {
  if (count < 2 || units[1] !== SLASH) return count;
  let at = 1;
  while (at < count && units[at] === SLASH) at++;
  while (at < count && units[at] !== SLASH) at++;
  if (at === count) return 1;
  units.copyWithin(0, at, count);
  return count - at;
}

/**
 * Removes dot segments (RFC 3986 section 5.2.4). The first unit is a slash.
 * @param asTheyStand only those without an encoded dot.
 */
export function removeDotSegments(units: Uint16Array, count: number, asTheyStand: boolean): number {
  let out = 0;
  for (let at = 0; at < count; ) {
    let next = at + 1;
    while (next < count && units[next] !== SLASH) next++;
    const dots = dotSegment(units, at + 1, next, asTheyStand ? ENCODED | BYTE : BYTE);
    if (dots === 0) {
      while (at < next) units[out++] = units[at++];
      continue;
    }
    if (dots === 2 && out > 0) {
      out--;
      while (out > 0 && units[out] !== SLASH) out--;
    }
    if (next === count) units[out++] = SLASH;
    at = next;
  }
  return out;
}

/** 1 for `.`, 2 for `..`, 0 for any other segment. */
function dotSegment(units: Uint16Array, start: number, end: number, bits: number): number {
  const length = end - start;
  if (length !== 1 && length !== 2) return 0;
  if ((units[start] & bits) !== DOT || (units[end - 1] & bits) !== DOT) return 0;
  return length;
}

/** Writes the path in normal form (RFC 3986 section 6.2.2). @returns its length in bytes. */
export function write(units: Uint16Array, count: number, out: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < count; at++) length = writeUnit(units[at], out, length);
  return length;
}

/** Writes one unit at `at`. @returns the offset after it. */
export function writeUnit(unit: number, out: Uint8Array, at: number): number {
  const byte = unit & BYTE;
  const bits = PATH_CLASS[byte];
  if ((bits & UNRESERVED) !== 0 || unit === SLASH || (unit <= BYTE && (bits & DELIMITER) !== 0)) {
    out[at] = byte;
    return at + 1;
  }
  out[at] = PERCENT;
  out[at + 1] = HEX_DIGITS[byte >> 4];
  out[at + 2] = HEX_DIGITS[byte & 15];
  return at + 3;
}

/** Whether some servers read nothing from here on. */
export function endsReading(unit: number): boolean {
  return unit > BYTE && (PATH_CLASS[unit & BYTE] & ENDS_READING) !== 0;
}
