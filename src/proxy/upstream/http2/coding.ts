/** Header blocks of connections to servers, and the heads of HTTP/1.1 that everything behind the seam goes by. */
import type { HeadLimits } from "../../http1/head.ts";
import { LAX_TRAILER_LIMITS } from "../../http1/trailer-rules.ts";
import { GrowingMemory } from "../../http2/growing-memory.ts";
import { mostBlockBytes, writeRequestBlock, writeTrailerBlock } from "../../http2/heads/block-writer.ts";
import { RESPONSE_RULES } from "../../http2/heads/field-rules.ts";
import { ResponseReader } from "../../http2/heads/response-reader.ts";
import { TrailerReader } from "../../http2/heads/trailer-reader.ts";
import { HpackDecoder } from "../../http2/hpack/decoder.ts";
import { HpackEncoder } from "../../http2/hpack/encoder.ts";
import { hpackErrorMessage } from "../../http2/hpack/hpack-error.ts";
import { LiteralMemo } from "../../http2/hpack/literal-memo.ts";
import { RecurringLines } from "../../http2/hpack/recurring-lines.ts";
import { SecretNames } from "../../http2/hpack/secret-names.ts";

/** What all connections of a worker to servers share: memory for one block, and for one head. */
export class Http2Coding {
  readonly recurring = new RecurringLines();
  /** Literals of responses. */
  readonly literals = new LiteralMemo();
  readonly responses: ResponseReader;
  readonly trailers = new TrailerReader();
  /** Names of request fields that are in no table. */
  readonly secrets: SecretNames;
  /** The last head that was read. */
  readonly head = new GrowingMemory();
  /** The last block that was written. */
  readonly block = new GrowingMemory();

  /** @param requests of what clients have sent. @param responses is told of what servers send. */
  constructor(requests = new SecretNames(), responses = new SecretNames()) {
    this.secrets = requests;
    this.responses = new ResponseReader(responses);
  }
}

/** Writes the blocks of one connection. */
export class HeadEncoder {
  readonly #coding: Http2Coding;
  readonly #hpack: HpackEncoder;
  readonly #secure: boolean;
  /** Of the last block, bytes. */
  length = 0;

  /** @param secure requests are told to be of https. */
  constructor(coding: Http2Coding, secure: boolean) {
    this.#coding = coding;
    this.#hpack = new HpackEncoder(coding.recurring, coding.secrets, false);
    this.#secure = secure;
  }

  /** The server's SETTINGS_HEADER_TABLE_SIZE, bytes. */
  limit(bytes: number): void {
    this.#hpack.limit(bytes);
  }

  /**
   * @param head a request head, `head[0 … end)`.
   * @param tunnel it becomes an extended CONNECT.
   * @returns where its block is, from 0 to `length`, until the next one is written.
   */
  encode(head: Buffer, end: number, tunnel: boolean): Buffer {
    const block = this.#coding.block.room(mostBlockBytes(end));
    this.length = writeRequestBlock(this.#hpack, block, 0, head, 0, end, this.#secure, tunnel);
    return block;
  }

  /** As `encode`, for field lines behind a body. */
  encodeTrailers(lines: Buffer): Buffer {
    const block = this.#coding.block.room(mostBlockBytes(lines.length));
    this.length = writeTrailerBlock(this.#hpack, block, 0, lines, 0, lines.length);
    return block;
  }
}

/** Reads the blocks of one connection. */
export class HeadDecoder {
  readonly #coding: Http2Coding;
  readonly #hpack: HpackDecoder;
  /** Of the last head, bytes in `bytes`; negative = there is something wrong with it. Also what is wrong with trailers. */
  length = 0;
  /** Why a block could not be read. */
  problem = "";

  constructor(coding: Http2Coding) {
    this.#coding = coding;
    this.#hpack = new HpackDecoder(RESPONSE_RULES, coding.literals);
  }

  /** Where the last head is, from 0 to `length`, until the next one is read, on whichever connection. */
  get bytes(): Buffer {
    return this.#coding.head.bytes;
  }

  /** Of the last head. */
  get status(): number {
    return this.#coding.responses.status;
  }

  /** A copy of the last trailers that may be passed on; null = there are none. */
  get trailers(): Buffer | null {
    return this.#coding.trailers.lines;
  }

  /**
   * Reads the block of a response head, `block[start … end)`.
   * @param last nothing follows.
   * @param hasBody false: its request was a HEAD.
   * @param switchLines as in `ResponseReader.finish`.
   * @returns false when it can't be read: the connection is lost.
   */
  decode(
    block: Buffer,
    start: number,
    end: number,
    limits: HeadLimits,
    last: boolean,
    hasBody: boolean,
    switchLines: Buffer | null,
  ): boolean {
    const { responses } = this.#coding;
    responses.begin(limits.maxHeadBytes);
    if (!this.#read(block, start, end, responses)) return false;
    this.length = responses.finish(last, hasBody, switchLines);
    if (this.length > 0) responses.write(this.#coding.head.room(this.length), 0);
    return true;
  }

  /** As `decode`, for the block of trailers. */
  decodeTrailers(block: Buffer, start: number, end: number): boolean {
    const { trailers } = this.#coding;
    trailers.begin(LAX_TRAILER_LIMITS.maxTrailerBytes);
    if (!this.#read(block, start, end, trailers)) return false;
    this.length = trailers.finish(LAX_TRAILER_LIMITS);
    return true;
  }

  #read(block: Buffer, start: number, end: number, sink: ResponseReader | TrailerReader): boolean {
    const error = this.#hpack.decode(block, start, end, sink);
    if (error === 0) return true;
    this.problem = hpackErrorMessage(error);
    return false;
  }
}
