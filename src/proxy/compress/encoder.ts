/**
 * The compressors of one worker. They work at once, on the event loop: a packet of a server (256 KB at most) takes some
 * milliseconds, as in any other proxy that compresses, and nothing has to wait for what another thread may say later. So the
 * levels are those that are fast and get most of what there is to be had; and there is a bound on how many there are at a
 * time, for each has memory of its own until its response ends.
 *
 * The runtime has no public way to compress a stream piece by piece at once. What is used here is what its own
 * `_processChunk` uses, on which npm's tar depends as well; a test keeps watch.
 */
import { constants, createBrotliCompress, createGzip, createZstdCompress } from "node:zlib";
import type { Encoding } from "./accept-encoding.ts";

/** Most at a time in one worker: some 80 MB, were all of them of the largest kind (0.6 MB). */
export const MAX_ENCODERS = 128;
/** Room for output that nearly all packets find enough. */
const OUTPUT_BYTES = 64 * 1024;
const MOST_GROWTH = 4;
const NOTHING = new Uint8Array(0);

/** What there is behind a stream of node:zlib. */
interface ZlibStream {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputOffset: number,
      inputLength: number,
      output: Uint8Array,
      outputOffset: number,
      outputLength: number,
    ): void;
  };
  /** After a write: room left in the output, bytes left of the input. */
  readonly _writeState: Uint32Array;
  close(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
}

interface Kind {
  readonly create: () => unknown;
  readonly flush: number;
  readonly finish: number;
}

/** Windows of 16 KB to 128 KB. What they cost: `npm run bench:compression`. */
const KINDS: Readonly<Record<Encoding, Kind>> = {
  gzip: {
    create: () => createGzip({ level: 4, windowBits: 14, memLevel: 7 }),
    flush: constants.Z_SYNC_FLUSH,
    finish: constants.Z_FINISH,
  },
  br: {
    create: () =>
      createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: 2, [constants.BROTLI_PARAM_LGWIN]: 16 },
      }),
    flush: constants.BROTLI_OPERATION_FLUSH,
    finish: constants.BROTLI_OPERATION_FINISH,
  },
  zstd: {
    create: () =>
      createZstdCompress({
        params: { [constants.ZSTD_c_compressionLevel]: 2, [constants.ZSTD_c_windowLog]: 17 },
      }),
    flush: constants.ZSTD_e_flush,
    finish: constants.ZSTD_e_end,
  },
};

let output = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
let open = 0;

/** Compresses one body. Whoever has one closes it. */
export class Encoder {
  readonly #kind: Kind;
  readonly #stream: ZlibStream;
  #error: Error | null = null;
  #closed = false;

  private constructor(kind: Kind) {
    this.#kind = kind;
    this.#stream = kind.create() as ZlibStream;
    this.#stream.on("error", (error) => {
      this.#error = error;
    });
    open++;
  }

  /** `null` when there are as many as there may be. */
  static open(encoding: Encoding): Encoder | null {
    return open < MAX_ENCODERS ? new Encoder(KINDS[encoding]) : null;
  }

  /** Those that are not closed. */
  static get count(): number {
    return open;
  }

  /**
   * Compresses `input[start … end)` so that who has all output so far can decode all input so far.
   * @param last the body ends with it.
   * @returns what it comes to: a view of memory that the next call of any encoder uses again.
   */
  encode(input: Uint8Array, start: number, end: number, last: boolean): Uint8Array {
    if (start === end && !last) return NOTHING;
    const { _handle: handle, _writeState: state } = this.#stream;
    const flush = last ? this.#kind.finish : this.#kind.flush;
    let at = start;
    let made = 0;
    for (;;) {
      handle.writeSync(flush, input, at, end - at, output, made, output.length - made);
      if (this.#error !== null) throw this.#error;
      const [room, left] = state;
      at = end - left;
      made = output.length - room;
      if (room > 0) return output.subarray(0, made);
      // No content grows by more than a few bytes: it would be an error that we were not told of.
      if (output.length > MOST_GROWTH * (end - start) + OUTPUT_BYTES) throw new Error("a compressor makes no end");
      const larger = Buffer.allocUnsafeSlow(2 * output.length);
      larger.set(output);
      output = larger;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    open--;
    this.#stream.close();
  }
}
