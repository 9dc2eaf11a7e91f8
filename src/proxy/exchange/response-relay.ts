/** Passes one response on to the client: the rewritten head, then the body as it comes, no faster than the client takes it. */

import { BodyReader } from "../http1/body-reader.ts";
import { BodyKind } from "../http1/head.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import { CompressedResponse } from "./compressed-response.ts";
import type { ExchangeContext } from "./context.ts";
import type { ProxiedRequest } from "./request.ts";
import { HIGH_WATER_BYTES } from "./request-relay.ts";

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

/** One response; the object serves many, one after the other. */
export class ResponseRelay {
  readonly #ctx: ExchangeContext;
  readonly #request: ProxiedRequest;
  readonly #body = new BodyReader(true);
  /** Something follows the response that nobody asked for. */
  #unsolicited = false;
  /** What the response goes through on its way; `null` = nothing, as it usually does. */
  #compressed: CompressedResponse | null = null;

  constructor(ctx: ExchangeContext, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#request = request;
  }

  /** Bytes of the body so far. */
  get bytes(): number {
    return this.#compressed?.compresses ? this.#compressed.bytes : this.#body.bytes;
  }

  /** The server sends nothing more, and has not broken off. @returns whether that is the body's proper end. */
  endWithConnection(leg: UpstreamLeg): boolean {
    if (this.#body.kind !== BodyKind.UNTIL_CLOSE) return false;
    if (this.#compressed?.compresses) this.#compressed.endWithConnection(leg.trailers);
    else this.#request.client.endBody(leg.trailers);
    return true;
  }

  /** What the client has got so far shows that it is not all; else only a reset can. */
  get showsCut(): boolean {
    return this.#compressed?.compresses ? this.#compressed.showsCut : this.#body.showsCut;
  }

  /**
   * Reads the body bytes that came with a head (in `ctx.responseHead`, parsed from `buffer`): `rest[restStart …]`. Nothing is
   * sent yet.
   * @returns false when they are not what the head announced.
   */
  begin(buffer: Buffer, rest: Buffer, restStart: number): boolean {
    const { responseHead: head } = this.#ctx;
    const { client, target } = this.#request;
    const rules = target.route.compression;
    if (rules !== null) this.#compressed = CompressedResponse.of(this.#ctx, this.#request, rules, buffer);
    const decode = !client.takesChunks || this.#compressed?.compresses === true;
    this.#body.begin(head.bodyKind, head.contentLength, head.chunked && decode);
    const stop = this.#body.consume(rest, restStart, rest.length);
    this.#unsolicited = stop < rest.length;
    return stop >= 0;
  }

  /** Sends the head, parsed from `buffer`, and the bytes that `begin` has read. Both may be empty afterwards. */
  respond(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): Relay {
    const { client, responseEdits } = this.#request;
    const { repaired, contentEnd, done, trailers } = this.#body;
    if (this.#compressed !== null) {
      const content = repaired ?? rest;
      const start = repaired === null ? restStart : 0;
      const end = repaired?.length ?? contentEnd;
      const taken = this.#compressed.respond(buffer, content, start, end, this.#body);
      return taken ? this.#wait(leg, nowMs) : Relay.CLIENT_GONE;
    }
    const complete = done && trailers === null;
    const sent =
      repaired === null
        ? client.respond(buffer, rest, restStart, contentEnd, complete, responseEdits)
        : client.respond(buffer, repaired, 0, repaired.length, complete, responseEdits);
    if (sent && done && !complete) client.endBody(trailers);
    return sent ? this.#wait(leg, nowMs) : Relay.CLIENT_GONE;
  }

  /** More of the body; `data` may be empty afterwards. */
  more(leg: UpstreamLeg, data: Buffer, nowMs: number): Relay {
    const { length } = data;
    const stop = this.#body.consume(data, 0, length);
    this.#unsolicited = stop < length;
    const { repaired, contentEnd } = this.#body;
    const content = repaired ?? data;
    const end = repaired?.length ?? contentEnd;
    if (this.#compressed?.compresses) {
      if (!this.#compressed.more(content, 0, end, this.#body)) return Relay.CLIENT_GONE;
      return stop < 0 ? Relay.BROKEN : this.#wait(leg, nowMs);
    }
    if (end > 0 && !this.#request.client.sendAway(content, 0, end)) return Relay.CLIENT_GONE;
    if (stop < 0) return Relay.BROKEN;
    if (this.#body.done) this.#request.client.endBody(this.#body.trailers);
    return this.#wait(leg, nowMs);
  }

  /** It is over, well or not. */
  end(): void {
    if (this.#compressed === null) return;
    this.#compressed.close(this.#body.bytes);
    this.#compressed = null;
  }

  /** The client took queued bytes. */
  onClientDrain(leg: UpstreamLeg, nowMs: number): void {
    if (this.#request.client.queuedBytes > 0) return;
    const { wheel } = this.#ctx;
    wheel.set(leg, nowMs + this.#request.responseBodyTimeoutMs);
    leg.resumeReading();
  }

  #wait(leg: UpstreamLeg, nowMs: number): Relay {
    if (this.#body.done) {
      // It would poison the next response: such a connection is not used again.
      if (this.#unsolicited) leg.reusable = false;
      return Relay.DONE;
    }
    const { wheel } = this.#ctx;
    if (this.#request.client.queuedBytes > HIGH_WATER_BYTES) {
      leg.pauseReading();
      wheel.clear(leg);
    } else wheel.set(leg, nowMs + this.#request.responseBodyTimeoutMs);
    return Relay.MORE;
  }
}
