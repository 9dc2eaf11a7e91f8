/**
 * Writes messages of Protocol Buffers (protobuf.dev, "Encoding"), as far as metrics and spans need them: no schema is read, the
 * caller says the numbers of the fields, and leaves out what is not to be said. A message within another is written where it
 * will stand; its length is put before it at its end.
 */

const Wire = { VARINT: 0, FIXED64: 1, LENGTH: 2, FIXED32: 5 } as const;
const FIRST_BYTES = 16 * 1024;
const ENCODER = new TextEncoder();

export class ProtobufWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Where the messages that are being written begin. */
  readonly #begun: number[] = [];

  /** Begins a message that has its length before it, within another message or in a stream of such. */
  begin(field?: number): void {
    this.#room(12);
    if (field !== undefined) this.#key(field, Wire.LENGTH);
    this.#begun.push(++this.#at); // a byte for the length, which is enough for most
  }

  /** Ends the message that was begun last. */
  end(): void {
    const from = this.#begun.pop() as number;
    const length = this.#at - from;
    const more = varintBytes(length) - 1;
    if (more > 0) {
      this.#room(more);
      this.#bytes.copyWithin(from + more, from, this.#at);
    }
    this.#at = from - 1;
    this.#varint(length);
    this.#at += length;
  }

  /** A field of type uint32, uint64, bool or of an enumeration. @param value a whole number from 0 to 2^53. */
  uint(field: number, value: number): void {
    this.#room(16);
    this.#key(field, Wire.VARINT);
    this.#varint(value);
  }

  /** A field of type sint32 or sint64. @param value a whole number from -2^52 to 2^52. */
  sint(field: number, value: number): void {
    this.uint(field, value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** A field of type int32 or int64. @param value a whole number from -2^53 to 2^53. */
  int(field: number, value: number): void {
    if (value >= 0) {
      this.uint(field, value);
      return;
    }
    this.#room(16);
    this.#key(field, Wire.VARINT);
    // Two's complement in 64 bits: ten bytes.
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#at++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.#room(16);
    this.#key(field, Wire.FIXED64);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  fixed32(field: number, value: number): void {
    this.#room(16);
    this.#key(field, Wire.FIXED32);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** @param low the lower 32 bits. @param high the upper ones. */
  fixed64(field: number, low: number, high: number): void {
    this.#room(16);
    this.#key(field, Wire.FIXED64);
    this.#view.setUint32(this.#at, low, true);
    this.#view.setUint32(this.#at + 4, high, true);
    this.#at += 8;
  }

  /** What is no Unicode is replaced by U+FFFD. */
  string(field: number, value: string): void {
    this.begin(field);
    this.#room(value.length * 3);
    let i = 0;
    for (; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) break;
      this.#bytes[this.#at + i] = code;
    }
    this.#at += i;
    if (i < value.length) this.#at += ENCODER.encodeInto(value.slice(i), this.#bytes.subarray(this.#at)).written;
    this.end();
  }

  /** A field of type bytes, or a message that was encoded before. */
  bytes(field: number, value: Uint8Array): void {
    this.#room(value.length + 16);
    this.#key(field, Wire.LENGTH);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** All that was written since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.slice(0, this.#at).buffer);
    this.#at = 0;
    return taken;
  }

  #key(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
