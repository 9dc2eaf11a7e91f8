/** How the shared file is divided into columns. */
import type { Ring } from "./ring.ts";

/** Hands out aligned, consecutive views over one buffer; with no buffer it only measures. */
export class Carver {
  #offset = 0;
  readonly #buffer: ArrayBufferLike | undefined;

  constructor(buffer?: ArrayBufferLike) {
    this.#buffer = buffer;
  }

  get size(): number {
    return this.#offset;
  }

  #take(bytes: number): number {
    const at = this.#offset;
    this.#offset += Math.ceil(bytes / 64) * 64; // a cache line each: no false sharing between columns
    return at;
  }

  uint8(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#buffer ? new Uint8Array(this.#buffer, at, length) : new Uint8Array(0);
  }

  int32(length: number): Int32Array {
    const at = this.#take(length * 4);
    return this.#buffer ? new Int32Array(this.#buffer, at, length) : new Int32Array(0);
  }

  uint32(length: number): Uint32Array {
    const at = this.#take(length * 4);
    return this.#buffer ? new Uint32Array(this.#buffer, at, length) : new Uint32Array(0);
  }

  float32(length: number): Float32Array {
    const at = this.#take(length * 4);
    return this.#buffer ? new Float32Array(this.#buffer, at, length) : new Float32Array(0);
  }

  float64(length: number): Float64Array {
    const at = this.#take(length * 8);
    return this.#buffer ? new Float64Array(this.#buffer, at, length) : new Float64Array(0);
  }

  ring(rows: number, wordsPerRow: number): Ring {
    const head = this.int32(1);
    const words = this.int32(rows * wordsPerRow);
    const { buffer, byteOffset, length } = words;
    const floats = new Float32Array(buffer, byteOffset, length);
    return { head, words, floats, figures: new Float64Array(buffer, byteOffset, length / 2) };
  }

  page(): void {
    this.#offset = Math.ceil(this.#offset / 4096) * 4096; // a worker's block shares no page with another's
  }
}
