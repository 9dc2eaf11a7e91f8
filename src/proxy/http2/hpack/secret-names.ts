/**
 * Names of fields that a peer had sent so that nobody keeps them in a table (RFC 7541 section 6.2.3). On the way they become lines
 * of HTTP/1.1, which have no word for that; so their names are remembered, and whoever passes such a field on in HTTP/2 sends it
 * so, too.
 */

/** A power of two: more different names than anybody sends so. */
const SLOTS = 256;

/** Those of one direction, of all connections of a worker. By hash: a name that is taken for another is compressed less. */
export class SecretNames {
  readonly #hashes = new Int32Array(SLOTS);

  /** The field name `buf[start … end)` came so. */
  note(buf: Uint8Array, start: number, end: number): void {
    let hash = 0;
    for (let i = start; i < end; i++) hash = addToNameHash(hash, buf[i]);
    this.#hashes[hash & (SLOTS - 1)] = hash;
  }

  /** Did a name with this hash come so? @param hash the sum of `addToNameHash`. */
  has(hash: number): boolean {
    return this.#hashes[hash & (SLOTS - 1)] === hash;
  }
}

/** The hash of a name, one byte more: whatever its letter case. The first one is added to 0. */
export function addToNameHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}
