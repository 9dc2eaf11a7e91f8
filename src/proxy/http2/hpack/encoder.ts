/**
 * Header blocks of a connection, written from lines of HTTP/1.1 (RFC 7541). What comes again and again is in the table of the
 * connection and takes a byte; what comes once is not put there.
 *
 * Responses of one connection are alike: where in the table a line was last time, it is looked for first, and that is one
 * comparison of bytes, without a hash.
 */
import { COLON, CR, HTAB, LF, SP } from "../../http1/char-class.ts";
import { copyBytes, sameBytes } from "../../http1/copy.ts";
import { DEFAULT_TABLE_BYTES } from "./decoder.ts";
import { encodeHuffman, huffmanBytes } from "./huffman.ts";
import { writeInteger } from "./integers.ts";
import { EntryPart, LineTable } from "./line-table.ts";
import type { RecurringLines } from "./recurring-lines.ts";
import { addToNameHash, SecretNames } from "./secret-names.ts";
import { staticNameIndex } from "./static-names.ts";
import { STATIC_BYTES, STATIC_ENTRIES, STATIC_NAME_ENDS, STATIC_STARTS } from "./static-table.ts";

/** Lines of a block of which it is known where in the table they were last time. */
const GUESSES = 16;
/** A power of two, more than the entries of the largest table. */
const HASHES = 128;
/** Entries are known by the last eight bits of the count of insertions: no table has half as many. */
const COUNT_MASK = 0xff;
/** Of a connection that has put nothing into its table. Nobody writes there. */
const NO_PLACES = new Uint8Array(HASHES + GUESSES);
/** Longer values of pseudo-fields are in no table. */
const MAX_KEPT_VALUE_BYTES = 512;
/** Where a pseudo-field becomes a line. */
const namedLine = Buffer.allocUnsafeSlow(MAX_KEPT_VALUE_BYTES + 32);

/** What a field takes at most beyond its line: its name and its value have a length each. */
export const FIELD_OVERHEAD = 8;

/** First bits of representations (RFC 7541 section 6), and the prefixes of their integers. */
const INDEXED = 0x80;
const INDEXED_MASK = 0x7f;
const ENTERING = 0x40;
const ENTERING_MASK = 0x3f;
const SIZE_UPDATE = 0x20;
const SIZE_UPDATE_MASK = 0x1f;
const NEVER_INDEXED = 0x10;
const LITERAL_MASK = 0x0f;
const HUFFMAN = 0x80;
const STRING_MASK = 0x7f;

/**
 * The writing side of one connection. A block is `begin`, then fields in order: `indexed` and `named` are pseudo-fields, and of
 * each line `known` is asked; when it is not, `scan` reads it, and `put` writes it. `out` has room for each line and
 * `FIELD_OVERHEAD`.
 */
export class HpackEncoder {
  readonly #table = new LineTable(DEFAULT_TABLE_BYTES);
  readonly #recurring: RecurringLines;
  readonly #compresses: boolean;
  readonly #secrets: SecretNames;
  /**
   * Entries of the table, by the count of insertions: by hash, and behind that the last one of each line of a block. They are
   * guesses: the entry may be another one by now, and is compared.
   */
  #places: Uint8Array = NO_PLACES;
  /** Which line of the block is next. */
  #line = 0;
  /** The smallest that the table had to be since the last block, bytes; -1 = nothing is to be told. */
  #smallest = -1;

  /** After `known` or `scan`: the offset after the line. */
  lineEnd = 0;
  /** After `scan`: the line's parts. The value is without white space around it. */
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  #hash = 0;
  #isSecret = false;

  /**
   * @param secrets names of fields that are in no table, beside those that `put` is told.
   * @param compresses strings are in Huffman's code where that is shorter: worth its time on the way to clients, not in a data centre.
   */
  constructor(recurring: RecurringLines, secrets: SecretNames = new SecretNames(), compresses = true) {
    this.#recurring = recurring;
    this.#compresses = compresses;
    this.#secrets = secrets;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, bytes (RFC 7541 section 4.2). */
  limit(bytes: number): void {
    const maxSize = Math.min(bytes, DEFAULT_TABLE_BYTES);
    if (maxSize === this.#table.maxSize) return;
    this.#smallest = this.#smallest < 0 ? maxSize : Math.min(this.#smallest, maxSize);
    this.#table.resize(maxSize);
  }

  /** Begins a block. @returns the offset after what it begins with. */
  begin(out: Buffer, start: number): number {
    this.#line = 0;
    if (this.#smallest < 0) return start;
    const { maxSize } = this.#table;
    let at = start;
    if (this.#smallest < maxSize) at = writeInteger(out, at, this.#smallest, SIZE_UPDATE_MASK, SIZE_UPDATE);
    this.#smallest = -1;
    return writeInteger(out, at, maxSize, SIZE_UPDATE_MASK, SIZE_UPDATE);
  }

  /** Writes entry `index` of the static table. */
  indexed(out: Buffer, at: number, index: number): number {
    return writeInteger(out, at, index, INDEXED_MASK, INDEXED);
  }

  /** Writes a pseudo-field with the name of entry `name` of the static table and the value `src[start … end)`. */
  named(out: Buffer, start: number, name: number, src: Buffer, valueStart: number, valueEnd: number): number {
    const line = this.#line++;
    let index = line < GUESSES ? this.#namedIndex(this.#places[HASHES + line], name, src, valueStart, valueEnd) : 0;
    if (index !== 0) return writeInteger(out, start, STATIC_ENTRIES + index, INDEXED_MASK, INDEXED);
    let hash = name;
    for (let i = valueStart; i < valueEnd; i++) hash = (Math.imul(hash, 31) + src[i]) | 0;
    hash = mixed(hash);
    const place = hash & (HASHES - 1);
    index = this.#namedIndex(this.#places[place], name, src, valueStart, valueEnd);
    if (index !== 0) {
      this.#remember(this.#places[place]);
      return writeInteger(out, start, STATIC_ENTRIES + index, INDEXED_MASK, INDEXED);
    }
    const enters = valueEnd - valueStart <= MAX_KEPT_VALUE_BYTES && this.#recurring.note(hash);
    if (enters) this.#enterNamed(name, src, valueStart, valueEnd, place);
    const at = enters
      ? writeInteger(out, start, name, ENTERING_MASK, ENTERING)
      : writeInteger(out, start, name, LITERAL_MASK, 0);
    return this.#string(out, at, src, valueStart, valueEnd);
  }

  /** Writes a pseudo-field that no table has. @param name in lower case. */
  unnamed(out: Buffer, start: number, name: Buffer, src: Buffer, valueStart: number, valueEnd: number): number {
    out[start] = 0;
    const at = writeName(out, start + 1, name, 0, name.length);
    return this.#string(out, at, src, valueStart, valueEnd);
  }

  /**
   * Writes the line that begins at `src[start]`, if it is what was in its place last time.
   * @returns the offset after the field; -1 = nothing was written.
   */
  known(out: Buffer, at: number, src: Buffer, start: number, end: number): number {
    const line = this.#line++;
    if (line >= GUESSES) return -1;
    const index = this.#indexOf(this.#places[HASHES + line], src, start, end);
    if (index === 0) return -1;
    return writeInteger(out, at, STATIC_ENTRIES + index, INDEXED_MASK, INDEXED);
  }

  /** Reads the line that begins at `src[start]`: complete, with a name that is a token, and ending before `end`. */
  scan(src: Buffer, start: number): void {
    let pos = start;
    let hash = 0;
    let byte = src[pos];
    while (byte !== COLON) {
      hash = addToNameHash(hash, byte);
      byte = src[++pos];
    }
    this.#isSecret = this.#secrets.has(hash);
    this.nameStart = start;
    this.nameEnd = pos;
    do byte = src[++pos];
    while (byte === SP || byte === HTAB);
    this.valueStart = pos;
    while (byte !== CR) {
      hash = (Math.imul(hash, 31) + byte) | 0;
      byte = src[++pos];
    }
    this.lineEnd = pos + 2;
    while (pos > this.valueStart && (src[pos - 1] === SP || src[pos - 1] === HTAB)) pos--;
    this.valueEnd = pos;
    this.#hash = mixed(hash);
  }

  /**
   * Writes the line that `scan` has read.
   * @param secret nobody is to keep it in a table (RFC 7541 section 7.1.3).
   */
  put(out: Buffer, at: number, src: Buffer, secret: boolean): number {
    const never = secret || this.#isSecret;
    const { nameStart, nameEnd, valueStart, valueEnd } = this;
    const name = staticNameIndex(src, nameStart, nameEnd);
    // As a table has it, so that it can be compared as it is.
    const plain = !never && valueStart === nameEnd + 2 && src[nameEnd + 1] === SP && valueEnd === this.lineEnd - 2;
    if (!plain) return this.#literal(out, at, src, name, never ? NEVER_INDEXED : 0, LITERAL_MASK);

    const hash = this.#hash;
    const place = hash & (HASHES - 1);
    const index = this.#indexOf(this.#places[place], src, nameStart, this.lineEnd);
    if (index !== 0) {
      this.#remember(this.#places[place]);
      return writeInteger(out, at, STATIC_ENTRIES + index, INDEXED_MASK, INDEXED);
    }
    if (!this.#recurring.note(hash)) return this.#literal(out, at, src, name, 0, LITERAL_MASK);
    const next = this.#literal(out, at, src, name, ENTERING, ENTERING_MASK);
    this.#enter(src, nameStart, nameEnd, this.lineEnd, 0, place);
    return next;
  }

  #enter(src: Buffer, start: number, nameEnd: number, end: number, mark: number, place: number): void {
    if (!this.#table.insert(src, start, nameEnd, end, mark)) return;
    if (this.#places === NO_PLACES) this.#places = new Uint8Array(NO_PLACES.length);
    this.#places[place] = this.#table.inserted;
    this.#remember(this.#table.inserted);
  }

  /** Enters a pseudo-field, as a line that no line of HTTP/1.1 is like; its mark says whose name it has. */
  #enterNamed(name: number, src: Buffer, valueStart: number, valueEnd: number, place: number): void {
    const nameEnd = copyBytes(namedLine, 0, STATIC_BYTES, STATIC_STARTS[name], STATIC_NAME_ENDS[name]);
    namedLine[nameEnd] = COLON;
    namedLine[nameEnd + 1] = SP;
    const end = copyBytes(namedLine, nameEnd + 2, src, valueStart, valueEnd);
    namedLine[end] = CR;
    namedLine[end + 1] = LF;
    this.#enter(namedLine, 0, nameEnd, end + 2, name, place);
  }

  #remember(entry: number): void {
    if (this.#line <= GUESSES) this.#places[HASHES + this.#line - 1] = entry;
  }

  /** @returns the index of the entry, when that is there and a pseudo-field with this name and value; else 0. */
  #namedIndex(entry: number, name: number, src: Buffer, valueStart: number, valueEnd: number): number {
    const table = this.#table;
    const age = (table.inserted - entry) & COUNT_MASK;
    if (age >= table.count) return 0;
    const { bytes, entries } = table;
    const at = table.at(age + 1);
    const from = entries[at + EntryPart.NAME_END] + 2;
    const length = entries[at + EntryPart.END] - 2 - from;
    if (entries[at + EntryPart.MARK] !== name || length !== valueEnd - valueStart) return 0;
    return sameBytes(bytes, from, src, valueStart, length) ? age + 1 : 0;
  }

  /** @returns the index of the entry, when that is there and `src[start …]` begins with its line; else 0. */
  #indexOf(entry: number, src: Buffer, start: number, end: number): number {
    const table = this.#table;
    const age = (table.inserted - entry) & COUNT_MASK;
    if (age >= table.count) return 0;
    const { bytes, entries } = table;
    const at = table.at(age + 1);
    const from = entries[at];
    const length = entries[at + EntryPart.END] - from;
    if (length > end - start || !sameBytes(bytes, from, src, start, length)) return 0;
    this.lineEnd = start + length;
    return age + 1;
  }

  #literal(out: Buffer, start: number, src: Buffer, name: number, flags: number, mask: number): number {
    let at = writeInteger(out, start, name, mask, flags);
    if (name === 0) at = writeName(out, at, src, this.nameStart, this.nameEnd);
    return this.#string(out, at, src, this.valueStart, this.valueEnd);
  }

  /** A string, in code where that is wanted and shorter (RFC 7541 section 5.2). */
  #string(out: Buffer, at: number, src: Buffer, start: number, end: number): number {
    const bytes = this.#compresses ? huffmanBytes(src, start, end) : end - start;
    if (bytes < end - start) {
      return encodeHuffman(src, start, end, out, writeInteger(out, at, bytes, STRING_MASK, HUFFMAN));
    }
    return copyBytes(out, writeInteger(out, at, end - start, STRING_MASK, 0), src, start, end);
  }
}

/** All bits of a hash in each of its lowest ones. */
function mixed(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/** In lower case (RFC 9113 section 8.2.1). */
function writeName(out: Buffer, start: number, src: Buffer, nameStart: number, nameEnd: number): number {
  let at = writeInteger(out, start, nameEnd - nameStart, STRING_MASK, 0);
  for (let i = nameStart; i < nameEnd; i++) {
    const byte = src[i];
    out[at++] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
  }
  return at;
}
