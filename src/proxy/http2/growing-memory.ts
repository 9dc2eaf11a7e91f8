/** Memory that is used again for one thing after the other, and grows with what it has to hold. */

const FIRST_BYTES = 4096;

/** One piece of it. Its bounds are those of what is put there. */
export class GrowingMemory {
  /** What was put there last is in it. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);

  /** Room for so many bytes; what was there may be gone. */
  room(bytes: number): Buffer {
    if (this.bytes.length < bytes) this.bytes = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.bytes.length));
    return this.bytes;
  }
}
