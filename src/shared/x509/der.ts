/** The few values of DER (ITU-T X.690) that a certificate is made of. */

const TAG = {
  INTEGER: 0x02,
  BITS: 0x03,
  OCTETS: 0x04,
  OID: 0x06,
  UTF8: 0x0c,
  UTC: 0x17,
  TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
};

/** A value with any tag. */
export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

/** Values in this order. */
export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(TAG.SEQUENCE, ...parts);
}

/** A set of one. */
export function set(part: Uint8Array): Buffer {
  return tagged(TAG.SET, part);
}

/** A number that is not negative, its bytes from the most significant one. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return digits[0] >= 0x80 ? tagged(TAG.INTEGER, Buffer.of(0), digits) : tagged(TAG.INTEGER, digits);
}

/** Whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return tagged(TAG.BITS, Buffer.of(0), bytes);
}

/** Bytes. */
export function octetString(bytes: Uint8Array): Buffer {
  return tagged(TAG.OCTETS, bytes);
}

/** Text. */
export function utf8String(text: string): Buffer {
  return tagged(TAG.UTF8, Buffer.from(text));
}

/** A time, to the second: until 2049 its year has two digits (RFC 5280 section 4.1.2.5). */
export function time(ms: number): Buffer {
  const at = new Date(ms);
  const digits = at.toISOString().replace(/\.\d+|[-:T]/g, "");
  if (at.getUTCFullYear() >= 2050) return tagged(TAG.TIME, Buffer.from(digits, "latin1"));
  return tagged(TAG.UTC, Buffer.from(digits.slice(2), "latin1"));
}

/** `1.3.6.1.5.5.7.1.31`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  return tagged(TAG.OID, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

function lengthOf(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  const digits: number[] = [];
  for (let left = bytes; left > 0; left >>>= 8) digits.unshift(left & 0xff);
  return [0x80 | digits.length, ...digits];
}
