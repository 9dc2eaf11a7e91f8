/** Header blocks of a connection, read in one pass (RFC 7541): what each field is goes to a sink, as a line of HTTP/1.1. */
import { COLON, CR, LF, SP } from "../../http1/char-class.ts";
import { copyBytes } from "../../http1/copy.ts";
import { HpackError } from "./hpack-error.ts";
import { decodeHuffman, mostDecodedBytes } from "./huffman.ts";
import { MAX_REST_BYTES, restBytes, restValue } from "./integers.ts";
import { EntryPart, LineTable } from "./line-table.ts";
import type { LiteralMemo } from "./literal-memo.ts";
import { STATIC_BYTES, STATIC_ENTRIES, STATIC_NAME_ENDS, STATIC_STARTS } from "./static-table.ts";

/** What the table has until SETTINGS_HEADER_TABLE_SIZE says otherwise (RFC 9113 section 6.5.2), bytes. */
export const DEFAULT_TABLE_BYTES = 4096;

/** What a line has beside its name and value: colon, space and CRLF. */
const LINE_ROOM = 4;
/** The bit of literals that nobody is to keep (RFC 7541 section 6.2.3). */
const NEVER_INDEXED = 0x10;

/**
 * What there is to know of a field, as a number that goes with it: found out once, when its bytes are read, also for a field
 * that many blocks refer to.
 */
export interface FieldRules {
  /** The mark of fields with the name `buf[start … end)`. */
  ofName(buf: Uint8Array, start: number, end: number): number;
  /** The mark of a field with this value. @param nameMark of any field with the same name. */
  ofValue(nameMark: number, buf: Uint8Array, start: number, end: number): number;
  /** Marks of the entries of the static table, by index. */
  readonly ofStatic: Int32Array;
}

/** Who is told the fields of a block, in order. */
export interface FieldSink {
  /** Where lines are written that are in no table. */
  readonly line: Buffer;
  /** Makes room in `line` for so many bytes; what is not there then is another `line`. @returns where. */
  room(bytes: number): number;
  /**
   * `line[start … end)`, where there was room, is a field.
   * @param nameEnd offset after its name.
   * @param never the client wants nobody to keep it in a table (RFC 7541 section 6.2.3).
   */
  literal(start: number, nameEnd: number, end: number, mark: number, never: boolean): void;
  /** `table[start … end)` is a field, of a table or a literal that is known. It stays there until the next `room`. */
  indexed(table: Buffer, start: number, nameEnd: number, end: number, mark: number): void;
}

/** The reading side of one connection: its table is all that it keeps. */
export class HpackDecoder {
  readonly #rules: FieldRules;
  readonly #literals: LiteralMemo | null;
  readonly #table = new LineTable(DEFAULT_TABLE_BYTES);
  /** The table may be as large as the peer wants up to this. */
  #announced = DEFAULT_TABLE_BYTES;
  /** The peer has yet to say that it keeps to what was announced. */
  #updateDue = false;
  /** Offset after what was read last. */
  #next = 0;

  /** @param literals where literals are looked up first, of this worker and these rules; null = each is decoded. */
  constructor(rules: FieldRules, literals: LiteralMemo | null = null) {
    this.#rules = rules;
    this.#literals = literals;
  }

  /** The peer has acknowledged this SETTINGS_HEADER_TABLE_SIZE, bytes (RFC 7541 section 4.2). */
  announced(bytes: number): void {
    this.#announced = bytes;
    if (bytes < this.#table.maxSize) this.#updateDue = true;
  }

  /** Bytes in the table, as the protocol counts them. */
  get tableSize(): number {
    return this.#table.size;
  }

  /**
   * Reads the header block `block[start, end)`, which is whole. A sink that has no use for its fields lets them go by: the
   * table is right all the same. What it costs is bounded by the block: a literal becomes 1.6 times of itself and the longest
   * name in the table at most, and each byte stands for one field of a table at most.
   * @returns 0, or an `HpackError`: the connection is lost.
   */
  decode(block: Buffer, start: number, end: number, sink: FieldSink): number {
    let pos = start;
    let first = true;
    while (pos < end) {
      const byte = block[pos];
      if (byte < 0x40 && byte >= 0x20) {
        if (!first) return HpackError.LATE_SIZE_UPDATE;
        pos = this.#readSize(block, pos, end);
        if (pos < 0) return pos;
        continue;
      }
      if (first) {
        if (this.#updateDue) return HpackError.MISSING_SIZE_UPDATE;
        first = false;
      }
      pos = byte >= 0x80 ? this.#readIndexed(block, pos, end, sink) : this.#readLiteral(block, pos, end, sink);
      if (pos < 0) return pos;
    }
    return 0;
  }

  /** Dynamic table size update (RFC 7541 section 6.3). */
  #readSize(block: Buffer, pos: number, end: number): number {
    const size = this.#readInteger(block, pos, end, 0x1f);
    if (size < 0) return size;
    if (size > this.#announced) return HpackError.SIZE_UPDATE_TOO_LARGE;
    this.#table.resize(size);
    this.#updateDue = false;
    return this.#next;
  }

  /** Indexed field (RFC 7541 section 6.1). */
  #readIndexed(block: Buffer, pos: number, end: number, sink: FieldSink): number {
    const index = this.#readInteger(block, pos, end, 0x7f);
    if (index <= STATIC_ENTRIES) {
      if (index <= 0) return index === 0 ? HpackError.INVALID_INDEX : index;
      const mark = this.#rules.ofStatic[index];
      sink.indexed(STATIC_BYTES, STATIC_STARTS[index], STATIC_NAME_ENDS[index], STATIC_STARTS[index + 1], mark);
      return this.#next;
    }
    const table = this.#table;
    if (index - STATIC_ENTRIES > table.count) return HpackError.INVALID_INDEX;
    const { entries, bytes } = table;
    const at = table.at(index - STATIC_ENTRIES);
    const nameEnd = entries[at + EntryPart.NAME_END];
    sink.indexed(bytes, entries[at], nameEnd, entries[at + EntryPart.END], entries[at + EntryPart.MARK]);
    return this.#next;
  }

  /** Literal field, with or without a name of a table, and whether or not it enters the table (RFC 7541 section 6.2). */
  #readLiteral(block: Buffer, start: number, end: number, sink: FieldSink): number {
    let pos = start;
    const first = block[pos];
    const enters = first >= 0x40;
    const index = this.#readInteger(block, pos, end, enters ? 0x3f : 0x0f);
    if (index < 0) return index;
    let nameBuffer = block;
    let nameStart = 0;
    let nameBytes = 0;
    let nameCoded = false;
    let mark = 0;
    if (index === 0) {
      pos = this.#next;
      nameBytes = this.#readLength(block, pos, end);
      if (nameBytes < 0) return nameBytes;
      nameCoded = block[pos] >= 0x80;
      nameStart = this.#next;
      this.#next += nameBytes;
    } else if (index <= STATIC_ENTRIES) {
      nameBuffer = STATIC_BYTES;
      nameStart = STATIC_STARTS[index];
      nameBytes = STATIC_NAME_ENDS[index] - nameStart;
      mark = this.#rules.ofStatic[index];
    } else {
      const table = this.#table;
      if (index - STATIC_ENTRIES > table.count) return HpackError.INVALID_INDEX;
      const at = table.at(index - STATIC_ENTRIES);
      nameBuffer = table.bytes;
      nameStart = table.entries[at];
      nameBytes = table.entries[at + EntryPart.NAME_END] - nameStart;
      mark = table.entries[at + EntryPart.MARK];
    }

    pos = this.#next;
    const valueBytes = this.#readLength(block, pos, end);
    if (valueBytes < 0) return valueBytes;
    const valueStart = this.#next;
    const next = valueStart + valueBytes;

    const never = !enters && (first & NEVER_INDEXED) !== 0;
    const literals = index <= STATIC_ENTRIES && !never ? this.#literals : null;
    const known = literals === null ? -1 : literals.find(block, start, next);
    if (literals !== null && known >= 0) {
      this.#repeat(literals, known, enters, sink);
      return next;
    }

    const lineStart = sink.room(
      (nameCoded ? mostDecodedBytes(nameBytes) : nameBytes) + mostDecodedBytes(valueBytes) + LINE_ROOM,
    );
    const { line } = sink;
    const nameEnd = nameCoded
      ? decodeHuffman(nameBuffer, nameStart, nameStart + nameBytes, line, lineStart)
      : copyBytes(line, lineStart, nameBuffer, nameStart, nameStart + nameBytes);
    if (nameEnd < 0) return HpackError.INVALID_HUFFMAN;
    line[nameEnd] = COLON;
    line[nameEnd + 1] = SP;
    const valueEnd =
      block[pos] >= 0x80
        ? decodeHuffman(block, valueStart, next, line, nameEnd + 2)
        : copyBytes(line, nameEnd + 2, block, valueStart, next);
    if (valueEnd < 0) return HpackError.INVALID_HUFFMAN;
    line[valueEnd] = CR;
    line[valueEnd + 1] = LF;

    const rules = this.#rules;
    if (index === 0) mark = rules.ofName(line, lineStart, nameEnd);
    mark = rules.ofValue(mark, line, nameEnd + 2, valueEnd);
    const lineEnd = valueEnd + 2;
    sink.literal(lineStart, nameEnd, lineEnd, mark, never);
    literals?.note(block, start, next, line, lineStart, nameEnd, lineEnd, mark);
    if (enters) this.#table.insert(line, lineStart, nameEnd, lineEnd, mark);
    return next;
  }

  /** A literal that is known, in slot `known`. */
  #repeat(literals: LiteralMemo, known: number, enters: boolean, sink: FieldSink): void {
    const { lines } = literals;
    const start = literals.start(known);
    const nameEnd = literals.nameEnd(known);
    const end = literals.end(known);
    const mark = literals.mark(known);
    if (enters) sink.room(0); // lines of the table that it has yet to copy may move
    sink.indexed(lines, start, nameEnd, end, mark);
    if (enters) this.#table.insert(lines, start, nameEnd, end, mark);
  }

  /** The length of a string that is all there (RFC 7541 section 5.2). */
  #readLength(block: Buffer, pos: number, end: number): number {
    if (pos >= end) return HpackError.TRUNCATED;
    const length = this.#readInteger(block, pos, end, 0x7f);
    return length > end - this.#next ? HpackError.TRUNCATED : length;
  }

  /** An integer whose prefix has the bits of `mask`; `#next` is behind it. @returns it, or an `HpackError`. */
  #readInteger(block: Buffer, pos: number, end: number, mask: number): number {
    const prefix = block[pos] & mask;
    this.#next = pos + 1;
    if (prefix < mask) return prefix;
    const bytes = restBytes(block, pos + 1, end);
    if (bytes === 0) return pos + 1 + MAX_REST_BYTES > end ? HpackError.TRUNCATED : HpackError.INTEGER_TOO_LARGE;
    this.#next = pos + 1 + bytes;
    return mask + restValue(block, pos + 1, bytes);
  }
}
