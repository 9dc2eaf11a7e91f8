/**
 * The dynamic table (RFC 7541 section 2.3.2), as field lines of HTTP/1.1 in the order in which they came: `name: value` with a
 * CRLF, one behind the other. A field is one copy of bytes then, and fields that came one after the other are one copy together.
 * It takes no memory before the first entry, and no more than its entries need.
 */
import { copyBytes } from "../../http1/copy.ts";

/** What an entry counts beyond its name and value (RFC 7541 section 4.1). */
const ENTRY_OVERHEAD = 32;
/** What a line has beyond them: colon, space and CRLF. */
const LINE_OVERHEAD = 4;
const FIRST_BYTES = 256;
const FIRST_ENTRIES = 8;

/** Integers per entry in `LineTable.entries`. */
export const ENTRY_STRIDE = 4;

/** Positions within an entry's integers. Offsets are into `LineTable.bytes`. */
export const EntryPart = { START: 0, NAME_END: 1, END: 2, MARK: 3 } as const;

const NO_BYTES: Buffer = Buffer.alloc(0);
const NO_ENTRIES = new Int32Array(0);

/** A table of the fields that came last. */
export class LineTable {
  /** What `entries` refers to. It is another one, or moved within, after `insert`. */
  bytes: Buffer = NO_BYTES;
  /** `ENTRY_STRIDE` integers per entry, in a ring: see `at`. */
  entries: Int32Array = NO_ENTRIES;
  /** Entries at present. */
  count = 0;
  /** Entries that ever were, modulo 2^32. */
  inserted = 0;
  /** Bytes as the protocol counts them. */
  size = 0;
  #maxSize: number;
  /** Where the oldest entry is in the ring. */
  #oldest = 0;
  /** Where the next line goes. */
  #end = 0;

  /** @param maxSize bytes as the protocol counts them: each entry is its name, its value and 32. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get maxSize(): number {
    return this.#maxSize;
  }

  /** Where entry `index` is in `entries`: 1 is the newest, `count` the oldest. */
  at(index: number): number {
    return ((this.#oldest + this.count - index) & (this.entries.length / ENTRY_STRIDE - 1)) * ENTRY_STRIDE;
  }

  /** From here on it has at most so many bytes: the oldest entries go (RFC 7541 section 4.3). */
  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#evict(maxSize);
    if (this.count > 0) return;
    this.bytes = NO_BYTES;
    this.entries = NO_ENTRIES;
    this.#end = 0;
    this.#oldest = 0;
  }

  /**
   * Adds the line `buf[start … end)`, whose name ends at `nameEnd` (RFC 7541 section 4.4). `buf` is not `bytes`.
   * @param mark a number that the entry has with it.
   * @returns false when it is larger than the table, which is empty then.
   */
  insert(buf: Buffer, start: number, nameEnd: number, end: number, mark: number): boolean {
    const length = end - start;
    const size = length - LINE_OVERHEAD + ENTRY_OVERHEAD;
    if (size > this.#maxSize) {
      this.#evict(0);
      return false;
    }
    this.#evict(this.#maxSize - size);
    this.#reserve(length);
    const line = this.#end;
    this.#end = copyBytes(this.bytes, line, buf, start, end);
    this.count++;
    this.inserted = (this.inserted + 1) | 0;
    this.size += size;
    const { entries } = this;
    const at = this.at(1);
    entries[at] = line;
    entries[at + EntryPart.NAME_END] = line + nameEnd - start;
    entries[at + EntryPart.END] = this.#end;
    entries[at + EntryPart.MARK] = mark;
    return true;
  }

  #evict(toSize: number): void {
    while (this.size > toSize) {
      const at = this.at(this.count);
      this.size -= this.entries[at + EntryPart.END] - this.entries[at] - LINE_OVERHEAD + ENTRY_OVERHEAD;
      this.#oldest = (this.#oldest + 1) & (this.entries.length / ENTRY_STRIDE - 1);
      this.count--;
    }
    if (this.count === 0) this.#end = 0;
  }

  /** Makes room for one entry with a line of so many bytes. */
  #reserve(length: number): void {
    if (this.count * ENTRY_STRIDE === this.entries.length) this.#growEntries();
    if (this.#end + length <= this.bytes.length) return;
    const start = this.count === 0 ? this.#end : this.entries[this.at(this.count)];
    const needed = this.#end - start + length;
    // Half of it free after a move over entries that have gone, so that moving costs each line a constant.
    const least = start === 0 ? needed : needed * 2;
    let capacity = Math.max(FIRST_BYTES, this.bytes.length);
    while (capacity < least) capacity *= 2;
    const target = capacity > this.bytes.length ? Buffer.allocUnsafeSlow(capacity) : this.bytes;
    this.bytes.copy(target, 0, start, this.#end);
    this.bytes = target;
    this.#end -= start;
    for (let index = 1; index <= this.count; index++) {
      const at = this.at(index);
      for (let part = EntryPart.START; part <= EntryPart.END; part++) this.entries[at + part] -= start;
    }
  }

  #growEntries(): void {
    const grown = new Int32Array(Math.max(FIRST_ENTRIES * ENTRY_STRIDE, this.entries.length * 2));
    for (let i = 0; i < this.count; i++) {
      const at = this.at(this.count - i);
      grown.set(this.entries.subarray(at, at + ENTRY_STRIDE), i * ENTRY_STRIDE);
    }
    this.entries = grown;
    this.#oldest = 0;
  }
}
