/**
 * Finds the requests in what a proxy sends to one of the benchmark's servers, and checks their bodies. It knows no more
 * HTTP than the benchmark needs: Content-Length and chunked bodies, no pipelining.
 */
import { matchesPattern } from "./pattern.ts";

/** One complete request. */
export interface ReadRequest {
  readonly path: string;
  readonly head: Buffer;
  readonly bodyBytes: number;
  /** Every byte of the body was what the client sent. */
  readonly intact: boolean;
}

const NO_BYTES = Buffer.alloc(0);

export class RequestReader {
  #carried: Buffer = NO_BYTES;
  #head: Buffer = NO_BYTES;
  #path = "";
  #bodyRead = 0;
  /** Body bytes to come; -1 = between requests. */
  #left = -1;
  #intact = true;

  /** @returns the request that `data` completes, or null when there is more to come. */
  push(data: Buffer): ReadRequest | null {
    let at = 0;
    if (this.#left < 0) {
      if (this.#carried.length > 0) data = Buffer.concat([this.#carried, data]);
      const blank = data.indexOf("\r\n\r\n");
      if (blank < 0) {
        this.#carried = data;
        return null;
      }
      this.#carried = NO_BYTES;
      at = blank + 4;
      this.#begin(data, blank);
    }
    const stop = Math.min(data.length, at + this.#left);
    if (stop > at) {
      if (!matchesPattern(data, at, stop, this.#bodyRead)) this.#intact = false;
      this.#bodyRead += stop - at;
      this.#left -= stop - at;
    }
    if (stop < data.length) this.#intact = false; // bytes that belong to no request
    if (this.#left > 0) return null;
    this.#left = -1;
    return { path: this.#path, head: this.#head, bodyBytes: this.#bodyRead, intact: this.#intact };
  }

  #begin(data: Buffer, blank: number): void {
    const pathStart = data.indexOf(32) + 1;
    this.#path = data.toString("latin1", pathStart, data.indexOf(32, pathStart));
    this.#head = data.subarray(0, blank + 2);
    this.#bodyRead = 0;
    this.#intact = true;
    // Only POST has a body here.
    this.#left = data[0] === 80 ? contentLength(this.#head) : 0;
  }
}

function contentLength(head: Buffer): number {
  const found = /\r\ncontent-length: *(\d+)\r\n/i.exec(head.toString("latin1"));
  return found === null ? 0 : Number(found[1]);
}
