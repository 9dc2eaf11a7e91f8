/** How heads cross between HTTP/2 and the form of HTTP/1.1, in which all that is behind a stream has them. */
import { GrowingMemory } from "../../http2/growing-memory.ts";
import { mostBlockBytes, writeResponseBlock, writeTrailerBlock } from "../../http2/heads/block-writer.ts";
import { REQUEST_RULES } from "../../http2/heads/field-rules.ts";
import { RequestReader } from "../../http2/heads/request-reader.ts";
import { TrailerReader } from "../../http2/heads/trailer-reader.ts";
import { HpackDecoder } from "../../http2/hpack/decoder.ts";
import { HpackEncoder } from "../../http2/hpack/encoder.ts";
import { hpackErrorMessage } from "../../http2/hpack/hpack-error.ts";
import { RecurringLines } from "../../http2/hpack/recurring-lines.ts";
import { SecretNames } from "../../http2/hpack/secret-names.ts";
import type { IdSource } from "../../rewrite/request-ids.ts";

/** Of a key of WebSocket (RFC 6455 section 4.1), before it is written in base64. */
const KEY_BYTES = 16;

/** What all clients of a worker share: memory for one block, and what was seen of fields lately. */
export class HeadMemory {
  readonly recurring = new RecurringLines();
  readonly requests: RequestReader;
  readonly trailers = new TrailerReader();
  /** Names of response fields that are in no table. */
  readonly secrets: SecretNames;
  readonly #ids: IdSource;
  readonly #block = new GrowingMemory();
  #key: Buffer;

  /** @param requests is told of what clients send. @param responses of what servers have sent. */
  constructor(ids: IdSource, requests = new SecretNames(), responses = new SecretNames()) {
    this.requests = new RequestReader(requests);
    this.secrets = responses;
    this.#ids = ids;
    this.#key = newKey(ids);
  }

  /** What a server of HTTP/1.1 gets as Sec-WebSocket-Key with the next extended CONNECT (RFC 8441), which has none. */
  get webSocketKey(): Buffer {
    return this.#key;
  }

  /** The key was used. */
  renewKey(): void {
    this.#key = newKey(this.#ids);
  }

  /** Room for the block of a head, or of trailers, of so many bytes; what is in it lasts until the next one. */
  block(bytes: number): Buffer {
    return this.#block.room(mostBlockBytes(bytes));
  }
}

function newKey(ids: IdSource): Buffer {
  const random = Buffer.alloc(KEY_BYTES);
  ids.write(random, 0, KEY_BYTES);
  return Buffer.from(random.toString("base64"));
}

/** One connection's. */
export class HeadCoding {
  readonly #memory: HeadMemory;
  readonly #decoder = new HpackDecoder(REQUEST_RULES);
  readonly #encoder: HpackEncoder;
  /** Of what was read last: bytes of the head or of the trailers' lines; a `ParseError` = there is something wrong with it. */
  length = 0;
  /** Of what was written last: bytes of the block. */
  blockLength = 0;
  /** Why a block could not be read. */
  problem = "";

  constructor(memory: HeadMemory) {
    this.#memory = memory;
    this.#encoder = new HpackEncoder(memory.recurring, memory.secrets);
  }

  /** The client's SETTINGS_HEADER_TABLE_SIZE, bytes. */
  limit(bytes: number): void {
    this.#encoder.limit(bytes);
  }

  /**
   * Reads the block of a request, `block[start … end)`: see `length`, and `head`.
   * @param maxBytes of the head in the form of HTTP/1.1.
   * @param endStream there is no body.
   * @returns false when it can't be read: the connection is lost.
   */
  readRequest(block: Buffer, start: number, end: number, maxBytes: number, endStream: boolean): boolean {
    const { requests, webSocketKey } = this.#memory;
    requests.begin(maxBytes);
    if (!this.#isReadable(this.#decoder.decode(block, start, end, requests))) return false;
    this.length = requests.finish(endStream, webSocketKey);
    return true;
  }

  /** The head that was read last, in memory of its own. */
  head(): Buffer {
    const head = Buffer.allocUnsafe(this.length);
    this.#memory.requests.write(head, 0);
    return head;
  }

  /** As `readRequest`, for trailers: see `length`, and `trailers`. */
  readTrailers(block: Buffer, start: number, end: number, maxBytes: number): boolean {
    const { trailers } = this.#memory;
    trailers.begin(maxBytes);
    if (!this.#isReadable(this.#decoder.decode(block, start, end, trailers))) return false;
    this.length = trailers.finish(null);
    return true;
  }

  /** The trailers that were read last, as field lines; null = there are none. */
  trailers(): Buffer | null {
    return this.#memory.trailers.lines;
  }

  #isReadable(error: number): boolean {
    if (error !== 0) this.problem = hpackErrorMessage(error);
    return error === 0;
  }

  /**
   * Writes the block of a response's head: see `blockLength`.
   * @param head `head[start … end)`, as HTTP/1.1 has it.
   * @param tunnel it answers an extended CONNECT.
   * @returns where it is until the next one is written, from 0 on.
   */
  writeHead(head: Buffer, start: number, end: number, tunnel: boolean): Buffer {
    const block = this.#memory.block(end - start);
    this.blockLength = writeResponseBlock(this.#encoder, block, 0, head, start, end, tunnel);
    return block;
  }

  /** As `writeHead`, for trailers. */
  writeTrailers(lines: Buffer): Buffer {
    const block = this.#memory.block(lines.length);
    this.blockLength = writeTrailerBlock(this.#encoder, block, 0, lines, 0, lines.length);
    return block;
  }
}
