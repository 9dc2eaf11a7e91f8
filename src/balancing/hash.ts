/** 32-bit hashing for placement, not for security: FNV-1a over bytes, finished by MurmurHash3's avalanche. */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const utf8 = new TextEncoder();

/** MurmurHash3's finaliser: a bijection of 32-bit words in which every input bit moves every output bit. */
export function mix32(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hash of `bytes[start … end)`, 0 … 2^32-1. */
export function hashBytes(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let h = FNV_OFFSET;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i], FNV_PRIME);
  return mix32(h);
}

/** Hash of a string: that of its UTF-8 bytes. Only text beyond ASCII is encoded first. */
export function hashString(text: string): number {
  let h = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return hashBytes(utf8.encode(text));
    h = Math.imul(h ^ unit, FNV_PRIME);
  }
  return mix32(h);
}

/**
 * What a server is to `consistent_hash` (see `FleetView.identityHash`). The address is part of it because one name may
 * stand for several servers.
 * @param url as configured, without a trailing slash
 * @param address the IP address that is connected to
 */
export function serverIdentityHash(url: string, address: string): number {
  return hashString(`${url} ${address}`);
}
