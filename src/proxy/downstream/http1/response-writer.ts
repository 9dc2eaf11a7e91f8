/** What a connection of HTTP/1 says: its exchanges' responses and our own, and whether another request may follow them. */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import type { DownstreamUser } from "../../exchange/downstream.ts";
import { COALESCE_BYTES, copyBytes } from "../../http1/copy.ts";
import { BodyKind } from "../../http1/head.ts";
import { type LocalResponse, sentBodyBytes } from "../../local/response.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import { ClientConnectionHeader, leavesUnchanged, writeResponseHead } from "../../rewrite/response.ts";
import { Channel } from "../../sockets/channel.ts";
import type { RawSocket } from "../../sockets/raw-socket.ts";
import type { DownstreamContext } from "../context.ts";
import { sendLocal } from "./local-write.ts";

/** Bodies beyond this are not copied when their head fits in front of them. */
const IN_PLACE_BYTES = 4096;

/** The writing half of a connection: see `Downstream` for what the exchange calls. */
export abstract class ResponseWriter extends Channel {
  protected readonly ctx: DownstreamContext;
  /** Who serves the present request; null = nobody, or we ourselves. */
  protected exchange: DownstreamUser | null = null;
  /** Requests so far. */
  protected requests = 0;
  /** Minor version of the present request. */
  protected versionMinor = 1;
  /** The connection ends with the present response. */
  protected closes = false;
  /** Only the connection's end shows where the present response ends. */
  protected untilClose = false;

  constructor(ctx: DownstreamContext, socket: RawSocket) {
    super(socket, ctx.wheel);
    this.ctx = ctx;
  }

  /** A client of HTTP/1.0 knows no chunks. */
  get takesChunks(): boolean {
    return this.versionMinor > 0;
  }

  interim(head: Buffer): boolean {
    return this.versionMinor === 0 || this.#sendHead(head, ClientConnectionHeader.NONE, null);
  }

  respond(
    head: Buffer,
    body: Buffer,
    start: number,
    end: number,
    _complete: boolean,
    edits: HeadEdits | null,
  ): boolean {
    const { bodyKind, chunked } = this.ctx.responseHead;
    const dechunk = chunked && !this.takesChunks;
    if (dechunk || bodyKind === BodyKind.UNTIL_CLOSE) this.#beginUntilClose();
    else if (!this.#mayServeNext()) this.closes = true;
    return this.#sendFirst(head, body, start, end, dechunk, edits);
  }

  /**
   * One write for the head and what follows it, with as little copying as can be: as it came; or with the new head written
   * over the old one, right before the body; or put together in the scratch memory, unless the body is large.
   */
  #sendFirst(
    head: Buffer,
    body: Buffer,
    start: number,
    end: number,
    dechunk: boolean,
    edits: HeadEdits | null,
  ): boolean {
    const { scratch, responseHead, dateLine, counters } = this.ctx;
    const connection = this.#connectionHeader();
    if (head === body && leavesUnchanged(responseHead, connection, dechunk, edits)) {
      return this.sendAway(body, responseHead.start, end);
    }
    let length = writeResponseHead(scratch, 0, head, responseHead, connection, dechunk, dateLine, edits);
    const bodyBytes = end - start;
    if (head === body && length <= start && bodyBytes > IN_PLACE_BYTES) {
      scratch.copy(body, start - length, 0, length);
      return this.sendAway(body, start - length, end);
    }
    const together = bodyBytes <= COALESCE_BYTES;
    if (together) length = copyBytes(scratch, length, body, start, end);
    counters[WorkerCounter.BYTES_TO_CLIENTS] += length;
    return this.send(scratch, 0, length, false) && (together || this.sendAway(body, start, end));
  }

  /** Sends a head that has no body, or none yet. */
  #sendHead(head: Buffer, connection: ClientConnectionHeader, edits: HeadEdits | null): boolean {
    const { scratch, responseHead, dateLine } = this.ctx;
    const length = writeResponseHead(scratch, 0, head, responseHead, connection, false, dateLine, edits);
    return this.send(scratch, 0, length, false);
  }

  override sendAway(packet: Uint8Array, start: number, end: number): boolean {
    this.ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += end - start;
    return super.sendAway(packet, start, end);
  }

  /** The framing says so; and behind a body without chunks there is no place for trailers. */
  endBody(): void {}

  respondLocal(response: LocalResponse, method: number, edits: HeadEdits | null): number {
    if (this.ctx.leaving || !this.exchange?.requestComplete) this.closes = true;
    this.sendOwn(response, method, edits);
    return sentBodyBytes(response, method);
  }

  refuseRest(): void {
    this.closes = true;
  }

  /** Sends all of a response of our own. @returns false when the client is gone. */
  protected sendOwn(response: LocalResponse, method: number, edits: HeadEdits | null): boolean {
    return sendLocal(this.ctx, this, response, method, this.#connectionHeader(), edits);
  }

  /** Sends a head of 101. */
  protected sendSwitch(head: Buffer, edits: HeadEdits | null): void {
    this.closes = true;
    this.#sendHead(head, ClientConnectionHeader.UPGRADE, edits);
  }

  /** If this process dies before the response's end, that must be a reset. */
  #beginUntilClose(): void {
    this.closes = true;
    if (this.socket === null) return;
    this.untilClose = true;
    this.ctx.kernel.closeByReset(this.socket, true);
  }

  #mayServeNext(): boolean {
    const { leaving, settings } = this.ctx;
    // A response before the end of the request: nobody can know whether the client will send the rest of it.
    if (leaving || !this.exchange?.requestComplete) return false;
    const most = settings.maxRequestsPerConnection;
    return most === 0 || this.requests < most;
  }

  #connectionHeader(): ClientConnectionHeader {
    if (this.closes) return ClientConnectionHeader.CLOSE;
    return this.versionMinor === 0 ? ClientConnectionHeader.KEEP_ALIVE : ClientConnectionHeader.NONE;
  }
}
