/**
 * Rows in the binary format of PostgreSQL's COPY: a head, then for each row the number of its fields, and each field with its
 * length. It is the fastest way in, and nothing has to be quoted. Numbers are big-endian; times are microseconds since 2000.
 */

/** "PGCOPY\n\377\r\n\0", flags and the length of an extension: none. */
const HEAD = Uint8Array.of(80, 71, 67, 79, 80, 89, 10, 255, 13, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0);
/** 2000-01-01, milliseconds since the epoch. */
const ORIGIN_MS = 946_684_800_000;
const INT4_OID = 23;
const INT8_OID = 20;
const MAX_INT4 = 2 ** 31 - 1;
const FIRST_BYTES = 64 * 1024;

const UTF8 = new TextEncoder();

/** A COPY that is being put together: `row`, then as many fields as it was told, then the next. */
export class CopyData {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = HEAD.length;

  constructor() {
    this.#bytes.set(HEAD);
  }

  /** Begins a row of `fields` fields. */
  row(fields: number): this {
    this.#room(2);
    this.#view.setInt16(this.#length, fields);
    this.#length += 2;
    return this;
  }

  null(): this {
    this.#lengthOf(-1);
    return this;
  }

  /** `smallint`. */
  int2(value: number): this {
    this.#lengthOf(2);
    this.#view.setInt16(this.#length, value);
    this.#length += 2;
    return this;
  }

  /** `integer`. */
  int4(value: number): this {
    this.#lengthOf(4);
    this.#view.setInt32(this.#length, value);
    this.#length += 4;
    return this;
  }

  /** `bigint`, of a whole number that JavaScript keeps exactly. */
  int8(value: number): this {
    this.#lengthOf(8);
    this.#int64(value);
    return this;
  }

  /** `double precision`. */
  float8(value: number): this {
    this.#lengthOf(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
    return this;
  }

  /** `double precision`; NaN = not known, which is NULL there: an average would be NaN else. */
  known(value: number): this {
    return Number.isNaN(value) ? this.null() : this.float8(value);
  }

  boolean(value: boolean): this {
    this.#lengthOf(1);
    this.#bytes[this.#length++] = value ? 1 : 0;
    return this;
  }

  /** `timestamptz`. @param atMs milliseconds since the epoch. */
  time(atMs: number): this {
    this.#lengthOf(8);
    this.#int64((atMs - ORIGIN_MS) * 1_000);
    return this;
  }

  /** `text`, `json`; of what PostgreSQL cannot keep (NUL, half a pair) a replacement. */
  text(value: string | null): this {
    if (value === null || value === undefined) return this.null();
    const text = value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;
    this.#lengthOf(0, 3 * text.length);
    const { written } = UTF8.encodeInto(text, this.#bytes.subarray(this.#length));
    this.#view.setInt32(this.#length - 4, written);
    this.#length += written;
    return this;
  }

  /** `jsonb`, as JSON. */
  jsonb(json: string): this {
    this.#lengthOf(0, 1 + 3 * json.length);
    const at = this.#length;
    this.#bytes[this.#length++] = 1; // the version of the format
    const { written } = UTF8.encodeInto(storableJson(json), this.#bytes.subarray(this.#length));
    this.#length += written;
    this.#view.setInt32(at - 4, 1 + written);
    return this;
  }

  /** `bytea`. */
  bytes(value: Uint8Array): this {
    this.#lengthOf(value.length, value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** `integer[]`; what is too large for one stands as the largest. */
  int4s(values: readonly number[]): this {
    if (values.length === 0) {
      this.#lengthOf(12, 12);
      this.#int32s(0, 0, INT4_OID);
      return this;
    }
    const bytes = 20 + 8 * values.length;
    this.#lengthOf(bytes, bytes);
    this.#int32s(1, 0, INT4_OID, values.length, 1);
    for (const value of values) {
      this.#view.setInt32(this.#length, 4);
      this.#view.setInt32(this.#length + 4, Math.min(value, MAX_INT4));
      this.#length += 8;
    }
    return this;
  }

  /** `bigint[]`. */
  int8s(values: readonly number[]): this {
    if (values.length === 0) {
      this.#lengthOf(12, 12);
      this.#int32s(0, 0, INT8_OID);
      return this;
    }
    const bytes = 20 + 12 * values.length;
    this.#lengthOf(bytes, bytes);
    this.#int32s(1, 0, INT8_OID, values.length, 1);
    for (const value of values) {
      this.#view.setInt32(this.#length, 8);
      this.#length += 4;
      this.#int64(value);
    }
    return this;
  }

  /** All of it, ended. Nothing may be added afterwards. */
  end(): Uint8Array {
    this.#room(2);
    this.#view.setInt16(this.#length, -1);
    return this.#bytes.subarray(0, this.#length + 2);
  }

  #int64(value: number): void {
    // Its two halves, without a BigInt: this is done a dozen times a row.
    this.#view.setInt32(this.#length, Math.floor(value / 2 ** 32));
    this.#view.setInt32(this.#length + 4, value | 0);
    this.#length += 8;
  }

  #int32s(...values: readonly number[]): void {
    for (const value of values) {
      this.#view.setInt32(this.#length, value);
      this.#length += 4;
    }
  }

  /** A field's length, and room for what follows. */
  #lengthOf(length: number, room = 8): void {
    this.#room(4 + room);
    this.#view.setInt32(this.#length, length);
    this.#length += 4;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** What `jsonb` refuses although it is JSON: NUL, and half of a pair. */
const REFUSED = /\\u(?:0000|[dD][89a-fA-F])/;

/** The same JSON with replacements for characters that `jsonb` cannot keep. */
export function storableJson(json: string): string {
  if (!REFUSED.test(json)) return json;
  const clean = (text: string) => text.toWellFormed().replaceAll("\0", "\ufffd");
  return JSON.stringify(JSON.parse(json), (_, value: unknown) => {
    if (typeof value === "string") return clean(value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [clean(key), inner]));
  });
}
