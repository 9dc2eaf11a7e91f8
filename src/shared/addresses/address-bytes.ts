/** Addresses as bytes, read where their text lies. Pure, and without allocation. */

/** Bytes of an address of either family. */
export const ADDRESS_BYTES = 16;

const DOT = 0x2e;
const COLON = 0x3a;
const PERCENT = 0x25;

/**
 * Reads the address in `text[0 … length)` into `out`: an IPv6 address as it is, an IPv4 address as IPv6 has it
 * (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2), whichever way it was written. A zone does not count.
 * @returns 4, 6, or 0 = it is none.
 */
export function readAddress(text: Uint8Array, length: number, out: Uint8Array): 0 | 4 | 6 {
  let colons = false;
  for (let i = 0; i < length && !colons; i++) colons = text[i] === COLON;
  if (!colons) {
    if (readIpv4(text, 0, length, out, 12) < 0) return 0;
    out.fill(0, 0, 10);
    out[10] = out[11] = 0xff;
    return 4;
  }
  if (!readIpv6(text, length, out)) return 0;
  for (let i = 0; i < 10; i++) if (out[i] !== 0) return 6;
  return out[10] === 0xff && out[11] === 0xff ? 4 : 6;
}

/** Four decimal numbers. @returns the offset behind, -1 = they are none. */
function readIpv4(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let pos = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text[pos++] !== DOT) return -1;
    let value = 0;
    let digits = 0;
    while (pos < end && digits < 3) {
      const digit = text[pos] - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      digits++;
      pos++;
    }
    if (digits === 0 || value > 255) return -1;
    out[at + part] = value;
  }
  return pos === end ? pos : -1;
}

function readIpv6(text: Uint8Array, length: number, out: Uint8Array): boolean {
  let end = length;
  for (let i = 0; i < length; i++) if (text[i] === PERCENT) end = Math.min(end, i);
  let pos = 0;
  let at = 0;
  /** Where `::` stands, in bytes; -1 = nowhere. */
  let gap = -1;
  if (text[0] === COLON) {
    if (text[1] !== COLON) return false;
    gap = 0;
    pos = 2;
  }
  while (pos < end) {
    if (at === ADDRESS_BYTES) return false;
    const start = pos;
    let value = 0;
    while (pos < end && pos - start < 4) {
      const digit = hexOf(text[pos]);
      if (digit < 0) break;
      value = value * 16 + digit;
      pos++;
    }
    if (pos < end && text[pos] === DOT) {
      if (at > ADDRESS_BYTES - 4 || readIpv4(text, start, end, out, at) < 0) return false;
      at += 4;
      break;
    }
    if (pos === start) return false;
    out[at++] = value >> 8;
    out[at++] = value & 0xff;
    if (pos === end) break;
    if (text[pos++] !== COLON) return false;
    if (pos < end && text[pos] === COLON) {
      if (gap >= 0) return false;
      gap = at;
      pos++;
    } else if (pos === end) return false;
  }
  if (gap < 0) return at === ADDRESS_BYTES;
  if (at === ADDRESS_BYTES) return false;
  const moved = at - gap;
  out.copyWithin(ADDRESS_BYTES - moved, gap, at);
  out.fill(0, gap, ADDRESS_BYTES - moved);
  return true;
}

function hexOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Clears what is behind the first `bits` of it. */
export function maskAddress(address: Uint8Array, bits: number): void {
  const whole = bits >> 3;
  if (whole >= ADDRESS_BYTES) return;
  address[whole] &= 0xff00 >> (bits & 7);
  address.fill(0, whole + 1);
}
