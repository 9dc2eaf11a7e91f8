/**
 * The ways in which servers read a path. The first is its normal form (RFC 3986 section 6.2.2): unreserved octets decoded,
 * dot segments removed. Servers differ in what follows from other octets; each choice below is one that some of them make,
 * and a reading is a combination of choices. Only those that matter for the path at hand are looked at.
 *
 * What is not looked at, because nobody agrees on it: letter case, and characters that a file system takes for others.
 */
import { BACKSLASH, DOT, HEX_VALUE, PERCENT, SEMICOLON, SLASH } from "../http1/char-class.ts";
import { DELIMITER, PATH_CLASS } from "../path/path-class.ts";
import {
  bareDelimiters,
  cut,
  decode,
  decodeAgain,
  ENCODED,
  ENCODED_SLASH,
  endsReading,
  mergeSlashes,
  removeDotSegments,
  separateAtBackslashes,
  separateAtSlashes,
  stripParameters,
  withoutAuthority,
  write,
  writeUnit,
} from "../path/units.ts";

/** Longer paths that need a second look are refused. */
export const MAX_PATH_BYTES = 8192;
/** Readings × bytes: what a path may cost. Beyond, it is refused. */
export const MAX_WORK = 32_768;
/** Encodings within encodings that are undone; nobody has use for more. */
const MAX_DEPTH = 3;
const BYTE = 0xff;
const ENCODED_DOT = DOT | ENCODED;
const LETTER_U = 0x75;

/** The choices, each with how many values it can have. The value 0 of each is what the normal form makes of it. */
export const Choice = {
  /** 1: an encoded delimiter (`%40`) is the delimiter. */
  DELIMITERS: 0,
  /** 1: `%2F` separates segments. */
  SLASH: 1,
  /** `\` separates segments: 1 once octets are decoded, and `%5C` as well; 2 from the beginning; 3 both. */
  BACKSLASH: 2,
  /** Empty segments are left out: 1 before dot segments are removed, 2 after. */
  MERGE: 3,
  /** `;` and what follows in its segment is left out: 1 before octets are decoded, 2 after. */
  PARAMETERS: 4,
  /** Decoded so many times more. */
  AGAIN: 5,
  /**
   * Dot segments are removed: 0 last, 1 never, 2 first and never again, 3 first and last; 4 and 5 like 2 and 3, but first
   * only those without an encoded dot.
   */
  DOTS: 6,
  /** 1: an encoded control character, `?` or `#` ends the path. */
  CUT: 7,
  /**
   * What follows two slashes at the beginning is a host, as in a reference that is resolved against a URL (RFC 3986 section
   * 4.2): 1 before octets are decoded, 2 after.
   */
  AUTHORITY: 8,
} as const;
const CHOICES = 9;

/** The readings of one path at a time. Its memory is used for all of them. */
export class Readings {
  /** The reading that was asked for last, in normal form. */
  readonly path: Buffer = Buffer.allocUnsafeSlow(MAX_PATH_BYTES * 3);
  /** How many readings there are. */
  count = 1;
  /** There may be others than these. */
  open = false;
  /**
   * So many bytes of the first reading, which end before a slash, are the same in all of them; 0 if that is not known.
   */
  settled = 0;
  readonly #raw = new Uint16Array(MAX_PATH_BYTES);
  readonly #work = new Uint16Array(MAX_PATH_BYTES);
  #length = 0;
  /** By `Choice`: how many values it has for this path, and which one this reading has. */
  readonly #values = new Int32Array(CHOICES);
  readonly #chosen = new Int32Array(CHOICES);
  readonly #delimiters: boolean;

  /** @param delimiters whether a route's path has one, bare or encoded: else how they are read makes no difference. */
  constructor(delimiters: boolean) {
    this.#delimiters = delimiters;
  }

  /** Takes the path `buf[start, end)`, of at most `MAX_PATH_BYTES`; its first byte is a slash. */
  take(buf: Uint8Array, start: number, end: number): void {
    this.#length = decode(buf, start, end, this.#raw);
    this.#values.fill(1);
    this.open = false;
    const count = this.#decodeFully();
    this.#find(count);
    this.count = 1;
    for (let choice = 0; choice < CHOICES; choice++) this.count *= this.#values[choice];
    this.settled = this.#values[Choice.DOTS] > 1 ? 0 : this.#findSettled();
  }

  /** Makes reading `index` the one in `path`; 0 is the normal form. @returns its length in bytes. */
  read(index: number): number {
    const chosen = this.#chosen;
    let rest = index;
    for (let choice = 0; choice < CHOICES; choice++) {
      const values = this.#values[choice];
      chosen[choice] = rest % values;
      rest = (rest - chosen[choice]) / values;
    }
    const units = this.#work;
    let count = this.#length;
    for (let at = 0; at < count; at++) units[at] = this.#raw[at];
    const bare = chosen[Choice.DELIMITERS] === 1;
    const ends = chosen[Choice.CUT] === 1;
    const dots = chosen[Choice.DOTS];
    const merge = chosen[Choice.MERGE];
    const backslash = chosen[Choice.BACKSLASH];
    const authority = chosen[Choice.AUTHORITY];
    if (backslash >= 2) separateAtBackslashes(units, count, true);
    if (authority === 1) count = withoutAuthority(units, count);
    if (dots >= 2) count = removeDotSegments(units, count, dots >= 4);
    if (chosen[Choice.PARAMETERS] === 1) count = stripParameters(units, count);
    if (bare) bareDelimiters(units, count);
    if (ends) count = cut(units, count);
    for (let times = chosen[Choice.AGAIN]; times > 0; times--) {
      count = decodeAgain(units, count);
      if (bare) bareDelimiters(units, count);
    }
    if (chosen[Choice.SLASH] === 1) separateAtSlashes(units, count);
    if (backslash === 1 || backslash === 3) separateAtBackslashes(units, count, false);
    if (chosen[Choice.PARAMETERS] === 2) count = stripParameters(units, count);
    if (ends) count = cut(units, count);
    if (authority === 2) count = withoutAuthority(units, count);
    if (merge === 1) count = mergeSlashes(units, count);
    if (dots === 0 || dots === 3 || dots === 5) count = removeDotSegments(units, count, false);
    if (merge === 2) count = mergeSlashes(units, count);
    return write(units, count, this.path);
  }

  /** The value of a `Choice` in the reading that was asked for last. */
  chosen(choice: number): number {
    return this.#chosen[choice];
  }

  /** Undoes all encodings into `#work`: whatever a server may see is seen there. @returns the count of units. */
  #decodeFully(): number {
    const units = this.#work;
    let count = this.#length;
    for (let at = 0; at < count; at++) units[at] = this.#raw[at];
    for (let depth = 1; ; depth++) {
      if (hasUnicodeEscape(units, count)) this.open = true;
      const next = decodeAgain(units, count);
      if (next === count) return count;
      count = next;
      if (depth > MAX_DEPTH) this.open = true;
      else this.#values[Choice.AGAIN] = depth + 1;
    }
  }

  /** Finds which choices matter. */
  #find(count: number): void {
    const units = this.#work;
    const values = this.#values;
    let afterSeparator = false;
    let encodedDot = false;
    let bare = false;
    for (let at = 0; at < count; at++) {
      const unit = units[at];
      const byte = unit & BYTE;
      const separator = byte === SLASH || byte === BACKSLASH;
      if (unit === ENCODED_SLASH) values[Choice.SLASH] = 2;
      if (unit === BACKSLASH) bare = true;
      if (unit > BYTE && byte === BACKSLASH) values[Choice.BACKSLASH] = 2;
      if (byte === SEMICOLON) values[Choice.PARAMETERS] = 3;
      if (unit > BYTE && (PATH_CLASS[byte] & DELIMITER) !== 0) values[Choice.DELIMITERS] = 2;
      if (endsReading(unit)) values[Choice.CUT] = 2;
      if (isOverlong(unit, at + 1 < count ? units[at + 1] : 0)) this.open = true;
      if (afterSeparator && (separator || byte === SEMICOLON)) {
        values[Choice.MERGE] = 3;
        if (at === 1) values[Choice.AUTHORITY] = 3;
      }
      if (afterSeparator && byte === DOT && beginsDotSegment(units, at, count)) values[Choice.DOTS] = 2;
      if (unit === ENCODED_DOT) encodedDot = true;
      afterSeparator = separator;
    }
    if (bare) values[Choice.BACKSLASH] = values[Choice.BACKSLASH] > 1 ? 4 : 3;
    // A `;` may begin what is left out.
    if (!this.#delimiters && values[Choice.PARAMETERS] === 1) values[Choice.DELIMITERS] = 1;
    if (values[Choice.DOTS] === 1) return;
    // When dot segments are removed makes a difference only if something else comes in between.
    const others = values[Choice.SLASH] + values[Choice.BACKSLASH] + values[Choice.PARAMETERS] + values[Choice.AGAIN];
    if (others > 4 || values[Choice.CUT] > 1) values[Choice.DOTS] = 4;
    if (encodedDot) values[Choice.DOTS] = 6;
    if (values[Choice.SLASH] > 1 || values[Choice.BACKSLASH] > 1) values[Choice.MERGE] = 3;
  }

  /** The first reading is written up to where another may differ. */
  #findSettled(): number {
    let length = 0;
    let settled = 0;
    for (let at = 0; at < this.#length; at++) {
      const unit = this.#raw[at];
      const byte = unit & BYTE;
      const differs =
        (this.#delimiters && unit > BYTE && (PATH_CLASS[byte] & DELIMITER) !== 0) ||
        unit === ENCODED_SLASH ||
        byte === BACKSLASH ||
        byte === SEMICOLON ||
        byte === PERCENT ||
        endsReading(unit);
      if (differs) break;
      if (unit === SLASH) {
        if (at > 0 && this.#raw[at - 1] === SLASH) break;
        settled = length;
      }
      length = writeUnit(unit, this.path, length);
    }
    return settled;
  }
}

/** `.` or `..` and then whatever may end a segment. */
function beginsDotSegment(units: Uint16Array, at: number, count: number): boolean {
  let next = at + 1;
  if (next < count && (units[next] & BYTE) === DOT) next++;
  if (next === count) return true;
  const byte = units[next] & BYTE;
  return byte === SLASH || byte === BACKSLASH || byte === SEMICOLON || endsReading(units[next]);
}

/** `%u002F`, which is of no standard; some decoders know it. */
function hasUnicodeEscape(units: Uint16Array, count: number): boolean {
  for (let at = 0; at + 5 < count; at++) {
    if ((units[at] & BYTE) !== PERCENT || (units[at + 1] & 0xdf) !== (LETTER_U & 0xdf)) continue;
    let digits = 0;
    while (digits < 4 && HEX_VALUE[units[at + 2 + digits] & BYTE] < 16) digits++;
    if (digits === 4) return true;
  }
  return false;
}

/** UTF-8 that is longer than it has to be: bad decoders read `/` in `%C0%AF`. */
function isOverlong(unit: number, next: number): boolean {
  if (unit === (0xc0 | ENCODED) || unit === (0xc1 | ENCODED)) return true;
  const low = next & BYTE;
  return (unit === (0xe0 | ENCODED) && low < 0xa0) || (unit === (0xf0 | ENCODED) && low < 0x90);
}
