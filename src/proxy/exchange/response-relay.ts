/** Passes one response on to the client: the rewritten head, then the body as it comes, no faster than the client takes it. */
import { WorkerCounter } from "../../shared/layout.ts";
import type { ProxyContext } from "../context.ts";
import { BodyReader } from "../http1/body-reader.ts";
import { COALESCE_BYTES, copyBytes } from "../http1/copy.ts";
import { BodyKind } from "../http1/head.ts";
import { ClientConnectionHeader, leavesUnchanged, writeResponseHead } from "../rewrite/response.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import type { ProxiedRequest } from "./request.ts";
import { HIGH_WATER_BYTES } from "./request-relay.ts";

/** Bodies beyond this are not copied when their head fits in front of them. */
const IN_PLACE_BYTES = 4096;

/** How far a response is. */
export const Relay = {
  /** One of the two sides is waited for. */
  MORE: 0,
  DONE: 1,
  /** The server's bytes are not what its head announced. */
  BROKEN: 2,
  CLIENT_GONE: 3,
} as const;
export type Relay = (typeof Relay)[keyof typeof Relay];

/** One answer; the object serves many, one after the other. */
export class ResponseRelay {
  readonly #ctx: ProxyContext;
  readonly #request: ProxiedRequest;
  readonly #body = new BodyReader(true);
  /** The connection of the client may carry another request after this response. */
  keepClient = false;

  constructor(ctx: ProxyContext, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#request = request;
  }

  /** Bytes of the body so far. */
  get bytes(): number {
    return this.#body.bytes;
  }

  /** The body lasts until the server closes, so that a FIN is its proper end. */
  get endsWithConnection(): boolean {
    return this.#body.kind === BodyKind.UNTIL_CLOSE;
  }

  /** What the client has got so far shows that it is not all; else only a reset can. */
  get showsCut(): boolean {
    return this.#body.showsCut;
  }

  /** There is no response yet. */
  reset(): void {
    this.#body.begin(BodyKind.NONE, 0);
    this.keepClient = false;
  }

  /**
   * Passes an interim response on to a client that knows them (RFC 9110 section 15.2).
   * @returns false when the client is gone.
   */
  interim(buffer: Buffer): boolean {
    return this.#request.versionMinor === 0 || this.head(buffer, ClientConnectionHeader.NONE);
  }

  /** Sends a head (in `ctx.responseHead`, parsed from `buffer`) that has no body. @returns false when the client is gone. */
  head(buffer: Buffer, connection: ClientConnectionHeader): boolean {
    const { scratch, responseHead, dateLine } = this.#ctx;
    const length = writeResponseHead(scratch, 0, buffer, responseHead, connection, false, dateLine);
    return this.#request.client.send(scratch, 0, length, false);
  }

  /**
   * Sends the head (in `ctx.responseHead`, parsed from `buffer`) and the body bytes that came with it, `rest[restStart …]`.
   * Both may be empty afterwards.
   */
  begin(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): Relay {
    const { responseHead: head } = this.#ctx;
    const dechunk = head.chunked && this.#request.versionMinor === 0;
    const body = this.#body;
    body.begin(head.bodyKind, head.contentLength, dechunk);
    const untilClose = head.bodyKind === BodyKind.UNTIL_CLOSE || dechunk;
    if (untilClose) this.#request.client.beginUntilClose();
    this.keepClient = !untilClose && this.#mayKeepClient();
    const { length } = rest;
    const stop = body.consume(rest, restStart, length);
    if (stop < 0) return Relay.BROKEN;
    const { repaired, contentEnd } = body;
    const sent =
      repaired === null
        ? this.#sendFirst(buffer, rest, restStart, contentEnd, dechunk)
        : this.#sendFirst(buffer, repaired, 0, repaired.length, dechunk);
    return sent ? this.#wait(leg, stop < length, nowMs) : Relay.CLIENT_GONE;
  }

  /**
   * One write for the head and what follows it, with as little copying as can be: as it came; or with the new head written
   * over the old one, right before the body; or put together in the scratch memory, unless the body is large.
   * @returns false when the client is gone.
   */
  #sendFirst(buffer: Buffer, rest: Buffer, restStart: number, contentEnd: number, dechunk: boolean): boolean {
    const { scratch, responseHead: head, dateLine, counters } = this.#ctx;
    const { client } = this.#request;
    const connection = this.#connectionHeader();
    if (buffer === rest && leavesUnchanged(head, connection, dechunk)) {
      counters[WorkerCounter.BYTES_TO_CLIENTS] += contentEnd - head.start;
      return client.sendAway(rest, head.start, contentEnd);
    }
    const length = writeResponseHead(scratch, 0, buffer, head, connection, dechunk, dateLine);
    const bodyBytes = contentEnd - restStart;
    counters[WorkerCounter.BYTES_TO_CLIENTS] += length + bodyBytes;
    if (buffer === rest && length <= restStart && bodyBytes > IN_PLACE_BYTES) {
      scratch.copy(rest, restStart - length, 0, length);
      return client.sendAway(rest, restStart - length, contentEnd);
    }
    if (bodyBytes <= COALESCE_BYTES) {
      return client.send(scratch, 0, copyBytes(scratch, length, rest, restStart, contentEnd), false);
    }
    return client.send(scratch, 0, length, false) && client.sendAway(rest, restStart, contentEnd);
  }

  /** More of the body; `data` may be empty afterwards. */
  more(leg: UpstreamLeg, data: Buffer, nowMs: number): Relay {
    const { length } = data;
    const stop = this.#body.consume(data, 0, length);
    const { repaired, contentEnd } = this.#body;
    const content = repaired ?? data;
    const end = repaired?.length ?? contentEnd;
    this.#ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += end;
    if (end > 0 && !this.#request.client.sendAway(content, 0, end)) return Relay.CLIENT_GONE;
    if (stop < 0) return Relay.BROKEN;
    return this.#wait(leg, stop < length, nowMs);
  }

  /** The client took queued bytes. */
  onClientDrain(leg: UpstreamLeg, nowMs: number): void {
    const { wheel, settings } = this.#ctx;
    const { client, body } = this.#request;
    if (client.queuedBytes > 0) {
      wheel.set(client, nowMs + settings.responseBodyTimeoutMs);
      return;
    }
    if (body.done) wheel.clear(client);
    else wheel.set(client, nowMs + settings.requestBodyTimeoutMs);
    wheel.set(leg, nowMs + settings.responseBodyTimeoutMs);
    leg.resumeReading();
  }

  #wait(leg: UpstreamLeg, unsolicited: boolean, nowMs: number): Relay {
    if (this.#body.done) {
      // What follows a response that nobody asked for would poison the next one: such a connection is not used again.
      if (unsolicited) leg.reusable = false;
      return Relay.DONE;
    }
    const { wheel, settings } = this.#ctx;
    const { client } = this.#request;
    if (client.queuedBytes > 0) {
      wheel.set(client, nowMs + settings.responseBodyTimeoutMs);
      if (client.queuedBytes > HIGH_WATER_BYTES) {
        leg.pauseReading();
        wheel.clear(leg);
        return Relay.MORE;
      }
    }
    wheel.set(leg, nowMs + settings.responseBodyTimeoutMs);
    return Relay.MORE;
  }

  #mayKeepClient(): boolean {
    const { draining, settings } = this.#ctx;
    const { keepAlive, body, client } = this.#request;
    if (!keepAlive || draining) return false;
    // A response before the end of the request: nobody can know whether the client will send the rest of it.
    if (!body.done) return false;
    const most = settings.maxRequestsPerConnection;
    return most === 0 || client.requests < most;
  }

  #connectionHeader(): ClientConnectionHeader {
    if (!this.keepClient) return ClientConnectionHeader.CLOSE;
    return this.#request.versionMinor === 0 ? ClientConnectionHeader.KEEP_ALIVE : ClientConnectionHeader.NONE;
  }
}
