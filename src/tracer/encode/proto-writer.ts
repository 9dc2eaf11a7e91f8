/** Writes protocol buffers, the few kinds of fields that spans have, into one buffer that is used again for each message. */

/** Wire types (protobuf encoding, "Message Structure"). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const TWO_32 = 2 ** 32;

export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #at = 0;

  /** Begins anew. */
  reset(): void {
    this.#at = 0;
  }

  get length(): number {
    return this.#at;
  }

  /** A copy of what was written. */
  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
  }

  /** Nothing for zero, which is the default of every field. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#room(16);
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  /** As `uint`, also for zero: a member of a `oneof`, whose presence says something. @param value an integer, perhaps negative. */
  int(field: number, value: number): void {
    this.#room(16);
    this.#tag(field, VARINT);
    if (value >= 0) this.#varint(value);
    else this.#negative(value);
  }

  double(field: number, value: number): void {
    this.#room(16);
    this.#tag(field, FIXED64);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  fixed32(field: number, value: number): void {
    this.#room(16);
    this.#tag(field, FIXED32);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** @param high the upper 32 bits. */
  fixed64(field: number, low: number, high: number): void {
    this.#room(16);
    this.#tag(field, FIXED64);
    this.#at = this.#buffer.writeUInt32LE(low, this.#at);
    this.#at = this.#buffer.writeUInt32LE(high, this.#at);
  }

  /** Nothing for the empty text. */
  string(field: number, value: string): void {
    if (value !== "") this.text(field, value);
  }

  /** As `string`, also for the empty one. */
  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#room(length + 16);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(length);
    this.#at += this.#buffer.write(value, this.#at, "utf8");
  }

  raw(field: number, value: Uint8Array): void {
    this.#room(value.length + 16);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Begins a message within this one. @returns what `end` must be told. */
  begin(field: number): number {
    this.#room(16);
    this.#tag(field, LENGTH_DELIMITED);
    this.#at++; // for its length, which most often is one byte
    return this.#at;
  }

  /** Its length is written now; a long one needs more room than was left. */
  end(begun: number): void {
    const length = this.#at - begun;
    const more = varintLength(length) - 1;
    if (more > 0) {
      this.#room(more);
      this.#buffer.copyWithin(begun + more, begun, this.#at);
    }
    this.#at = begun - 1;
    this.#varint(length);
    this.#at += length;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  /** Two's complement in 64 bits: ten bytes. */
  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#at++] = Number(rest);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    larger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = larger;
  }
}

/** How many bytes `value` takes as a varint. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Milliseconds since the epoch as nanoseconds in two halves of 32 bits, written as a `fixed64`. */
export function writeNanoseconds(writer: ProtoWriter, field: number, ms: number): void {
  const whole = Number.isFinite(ms) && ms > 0 ? Math.floor(ms) : 0;
  const nanoseconds = whole === 0 ? 0 : Math.round((ms - whole) * 1e6);
  // whole × 10^6 has more bits than a number: in pieces that do not.
  const upper = Math.floor(whole / 0x1_0000) * 1e6;
  const lower = (upper % 0x1_0000) * 0x1_0000 + (whole % 0x1_0000) * 1e6 + nanoseconds;
  const high = Math.floor(upper / 0x1_0000) + Math.floor(lower / TWO_32);
  writer.fixed64(field, lower % TWO_32, high % TWO_32);
}
