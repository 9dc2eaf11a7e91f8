/** A header block that comes in several frames. */

const FIRST_BYTES = 4096;

/** One block. Whoever fills it sees to its bound. */
export class BlockBuffer {
  /** Only `[0, length)` means anything. */
  bytes: Buffer = Buffer.alloc(0);
  length = 0;
  /** Frames so far. */
  parts = 0;

  /** Appends `buf[start … end)`. */
  add(buf: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      let capacity = Math.max(FIRST_BYTES, this.bytes.length);
      while (capacity < needed) capacity *= 2;
      const grown = Buffer.allocUnsafeSlow(capacity);
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    buf.copy(this.bytes, this.length, start, end);
    this.length = needed;
    this.parts++;
  }
}
