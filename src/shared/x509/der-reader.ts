/** Reads DER (ITU-T X.690), as far as names and times in it are looked for. Nothing is believed: lengths are checked first. */

/** One value. */
export interface DerValue {
  readonly tag: number;
  /** With tag and length, as it came. */
  readonly raw: Buffer;
  readonly content: Buffer;
}

/** The values in `bytes`, one after the other. Throws an `Error` when it is no DER. @param most so many are read. */
export function valuesIn(bytes: Buffer, most = Number.POSITIVE_INFINITY): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length && values.length < most; ) {
    const value = valueAt(bytes, at);
    values.push(value);
    at += value.raw.length;
  }
  return values;
}

function valueAt(bytes: Buffer, at: number): DerValue {
  let start = at + 2;
  let length = bytes[at + 1] ?? Number.NaN;
  if (length >= 0x80) {
    const digits = length - 0x80;
    if (digits === 0 || digits > 4 || start + digits > bytes.length) throw new Error("a length is no DER");
    length = bytes.readUIntBE(start, digits);
    start += digits;
  }
  if (!(start + length <= bytes.length)) throw new Error("a value is longer than what there is");
  return { tag: bytes[at], raw: bytes.subarray(at, start + length), content: bytes.subarray(start, start + length) };
}
