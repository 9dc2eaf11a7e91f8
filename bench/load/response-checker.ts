/**
 * Reads one response after the other from a connection and checks all of it: status, framing, length and every byte of
 * the body. It shares no code with the proxy that it judges.
 */
import { matchesPattern } from "./pattern.ts";

/** What every response of a workload must be. */
export interface ExpectedResponse {
  readonly status: number;
  readonly bodyBytes: number;
  readonly framing: "length" | "chunked";
}

const Part = { HEAD: 0, BODY: 1, CHUNK_SIZE: 2, CHUNK_DATA: 3, CHUNK_END: 4, TRAILER: 5, DONE: 6 } as const;
const CR = 13;
const LF = 10;
const NO_BYTES = Buffer.alloc(0);
const MAX_HEAD_BYTES = 64 * 1024;

export class ResponseChecker {
  readonly #expected: ExpectedResponse;
  #part: number = Part.HEAD;
  #carried: Buffer = NO_BYTES;
  #bodyRead = 0;
  #chunkLeft = 0;
  #line = "";
  /** The server says that it will close the connection. */
  closing = false;

  constructor(expected: ExpectedResponse) {
    this.#expected = expected;
  }

  /** A response was begun and is not complete. */
  get midway(): boolean {
    return this.#part !== Part.DONE && (this.#part !== Part.HEAD || this.#carried.length > 0);
  }

  /** Makes ready for the next response. */
  reset(): void {
    this.#part = Part.HEAD;
    this.#carried = NO_BYTES;
    this.#bodyRead = 0;
    this.closing = false;
  }

  /** @returns true when a response is complete. Throws an `Error` that says what is wrong with it. */
  push(data: Buffer): boolean {
    let at = 0;
    if (this.#part === Part.HEAD) {
      at = this.#readHead(data);
      if (at < 0) return false;
      if (this.#carried.length > 0) {
        data = this.#carried;
        this.#carried = NO_BYTES;
      }
    }
    if (this.#part === Part.BODY) at = this.#readBody(data, at, data.length);
    else if (this.#part !== Part.DONE) at = this.#readChunked(data, at);
    if (at < data.length) throw new Error(`${data.length - at} bytes after the end of the response`);
    return this.#part === Part.DONE;
  }

  /** @returns the offset after the head (in the carried bytes, if there are any), or -1 when there is more to come. */
  #readHead(data: Buffer): number {
    if (this.#carried.length > 0) {
      data = Buffer.concat([this.#carried, data]);
      this.#carried = data;
    }
    const blank = data.indexOf("\r\n\r\n");
    if (blank < 0) {
      if (data.length > MAX_HEAD_BYTES) throw new Error("a response head without an end");
      this.#carried = data;
      return -1;
    }
    const { status, bodyBytes, framing } = this.#expected;
    const got = (data[9] - 48) * 100 + (data[10] - 48) * 10 + (data[11] - 48);
    if (got !== status) throw new Error(`status ${got} instead of ${status}`);
    const { length, chunked, closing } = readFraming(data, blank + 2);
    if (framing === "chunked" ? !chunked : length !== bodyBytes) {
      throw new Error(`Content-Length ${length}${chunked ? ", chunked" : ""} instead of ${framing} ${bodyBytes}`);
    }
    this.closing = closing;
    this.#part = chunked ? Part.CHUNK_SIZE : bodyBytes > 0 ? Part.BODY : Part.DONE;
    this.#line = "";
    return blank + 4;
  }

  #readBody(data: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#expected.bodyBytes - this.#bodyRead);
    this.#check(data, at, stop);
    if (this.#bodyRead === this.#expected.bodyBytes) this.#part = Part.DONE;
    return stop;
  }

  #readChunked(data: Buffer, start: number): number {
    let at = start;
    while (at < data.length && this.#part !== Part.DONE) {
      if (this.#part === Part.CHUNK_DATA) {
        const stop = Math.min(data.length, at + this.#chunkLeft);
        this.#check(data, at, stop);
        this.#chunkLeft -= stop - at;
        at = stop;
        if (this.#chunkLeft === 0) this.#part = Part.CHUNK_END;
        continue;
      }
      const c = data[at++];
      if (c === LF) this.#endLine();
      else if (c !== CR) this.#line += String.fromCharCode(c);
    }
    return at;
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (this.#part === Part.CHUNK_END) {
      if (line !== "") throw new Error("a chunk is longer than it says");
      this.#part = Part.CHUNK_SIZE;
    } else if (this.#part === Part.CHUNK_SIZE) {
      this.#chunkLeft = Number.parseInt(line, 16);
      if (!(this.#chunkLeft >= 0)) throw new Error(`chunk size "${line}"`);
      this.#part = this.#chunkLeft > 0 ? Part.CHUNK_DATA : Part.TRAILER;
    } else if (line === "") {
      if (this.#bodyRead !== this.#expected.bodyBytes) throw new Error(`a body of ${this.#bodyRead} bytes`);
      this.#part = Part.DONE;
    }
  }

  #check(data: Buffer, start: number, end: number): void {
    if (!matchesPattern(data, start, end, this.#bodyRead)) throw new Error(`wrong bytes after ${this.#bodyRead}`);
    this.#bodyRead += end - start;
  }
}

interface Framing {
  length: number;
  chunked: boolean;
  closing: boolean;
}

/** Looks at the first letters of every field line: a string per field would cost more than the rest of the check. */
function readFraming(data: Buffer, end: number): Framing {
  const found: Framing = { length: -1, chunked: false, closing: false };
  for (let at = data.indexOf(LF) + 1; at < end; ) {
    const lineEnd = data.indexOf(LF, at);
    const first = data[at] | 32;
    if (first === 99 /* c */ || first === 116 /* t */) readField(data.toString("latin1", at, lineEnd - 1), found);
    at = lineEnd + 1;
  }
  return found;
}

function readField(line: string, found: Framing): void {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon).toLowerCase();
  if (name === "content-length") found.length = Number(line.slice(colon + 1));
  else if (name === "transfer-encoding") found.chunked = line.slice(colon + 1).trim() === "chunked";
  else if (name === "connection")
    found.closing =
      line
        .slice(colon + 1)
        .trim()
        .toLowerCase() === "close";
}
