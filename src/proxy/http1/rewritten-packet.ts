/** A packet of a body that is passed on in another form than it came in. */

/** What is put beside the packet's own bytes at most: a trailer's name that was held back, the end of an extension. */
const EXTRA_BYTES = 40;

/** The packet so far, as it is passed on; inactive while that is how it came. */
export class RewrittenPacket {
  #out: Buffer | null = null;
  #length = 0;
  #dataEnd = 0;

  get active(): boolean {
    return this.#out !== null;
  }

  /**
   * From here on `buf[start, end)` is passed on in another form: its bytes before `upTo` are taken as they are.
   * @param dataEnd where the last data among them ends.
   */
  begin(buf: Uint8Array, start: number, upTo: number, end: number, dataEnd: number): void {
    if (this.#out !== null) return;
    this.#out = Buffer.allocUnsafeSlow((end - start) * 2 + EXTRA_BYTES); // each byte may become two
    this.#out.set(buf.subarray(start, upTo));
    this.#length = upTo - start;
    this.#dataEnd = dataEnd - start;
  }

  put(byte: number): void {
    if (this.#out !== null) this.#out[this.#length++] = byte;
  }

  putData(data: Uint8Array): void {
    if (this.#out === null) return;
    this.#out.set(data, this.#length);
    this.#length += data.length;
    this.#dataEnd = this.#length;
  }

  /** @param toDataEnd no more than up to the end of the last data. @returns null when it was inactive, which it is now. */
  take(toDataEnd: boolean): Buffer | null {
    const out = this.#out;
    this.#out = null;
    return out === null ? null : out.subarray(0, toDataEnd ? this.#dataEnd : this.#length);
  }
}
