/** Reads protocol buffers that somebody else wrote, field by field. */

/** One field of a message. */
export interface Field {
  readonly field: number;
  /** A number, or what a length says. */
  readonly value: number | Uint8Array;
}

/** The fields of a message in order. Throws when it is none. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= bytes.length) throw new Error("it ends within a number");
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("a number in it is too long");
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error("it ends within a field");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (field === 0) throw new Error("a field has no number");
    if (tag % 8 === 0) yield { field, value: varint() };
    else if (tag % 8 === 1) yield { field, value: take(8) };
    else if (tag % 8 === 2) yield { field, value: take(varint()) };
    else if (tag % 8 === 5) yield { field, value: take(4) };
    else throw new Error("a field is of no kind that there is");
  }
}
