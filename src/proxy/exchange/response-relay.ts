/** Passes one response on to the client: the rewritten head, then the body as it comes, no faster than the client takes it. */

import { BodyReader } from "../http1/body-reader.ts";
import { BodyKind } from "../http1/head.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import { CompressedResponse } from "./compressed-response.ts";
import type { ExchangeContext } from "./context.ts";
import type { ProxiedRequest } from "./request.ts";
import { HIGH_WATER_BYTES } from "./request-relay.ts";

/** How long a server may take to say that a response is complete which is, but for trailers that might follow, milliseconds. */
const TRAILERS_MS = 1000;

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
  /** Its client gets trailers also behind a body of announced length, should there be any. */
  #takesTrailers = false;
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
    return (this.#body.kind === BodyKind.UNTIL_CLOSE || this.#body.done) && this.#endBody(leg.trailers);
  }

  /** The server has been silent. @returns whether that is as good as an end: nothing was missing but trailers, if there are any. */
  endWithSilence(): boolean {
    return this.#body.done && this.#endBody(null);
  }

  #endBody(trailers: Buffer | null): true {
    if (this.#compressed?.compresses) this.#compressed.endBody(trailers);
    else this.#request.client.endBody(trailers);
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
    this.#takesTrailers = decode && head.bodyKind === BodyKind.LENGTH;
    this.#body.begin(head.bodyKind, head.contentLength, head.chunked && decode);
    const stop = this.#body.consume(rest, restStart, rest.length);
    this.#unsolicited = stop < rest.length;
    return stop >= 0;
  }

  /** Sends the head, parsed from `buffer`, and the bytes that `begin` has read. Both may be empty afterwards. */
  respond(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): Relay {
    const { client, responseEdits } = this.#request;
    const { repaired, contentEnd } = this.#body;
    const over = this.#isOver(leg);
    const trailers = this.#trailersOf(leg);
    if (this.#compressed !== null) {
      const content = repaired ?? rest;
      const start = repaired === null ? restStart : 0;
      const end = repaired?.length ?? contentEnd;
      const taken = this.#compressed.respond(buffer, content, start, end, over, trailers);
      return taken ? this.#wait(leg, nowMs) : Relay.CLIENT_GONE;
    }
    const complete = over && trailers === null;
    const sent =
      repaired === null
        ? client.respond(buffer, rest, restStart, contentEnd, complete, responseEdits)
        : client.respond(buffer, repaired, 0, repaired.length, complete, responseEdits);
    if (sent && over && !complete) client.endBody(trailers);
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
      const taken = this.#compressed.more(content, 0, end, this.#isOver(leg), this.#trailersOf(leg));
      if (!taken) return Relay.CLIENT_GONE;
      return stop < 0 ? Relay.BROKEN : this.#wait(leg, nowMs);
    }
    if (end > 0 && !this.#request.client.sendAway(content, 0, end)) return Relay.CLIENT_GONE;
    if (stop < 0) return Relay.BROKEN;
    if (this.#isOver(leg)) this.#request.client.endBody(this.#trailersOf(leg));
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
    wheel.set(leg, nowMs + this.#silenceMs);
    leg.resumeReading();
  }

  /** Nothing more of it comes. */
  #isOver(leg: UpstreamLeg): boolean {
    return this.#body.done && !(this.#takesTrailers && leg.mayHaveTrailers);
  }

  /** Of one that is over. */
  #trailersOf(leg: UpstreamLeg): Buffer | null {
    return this.#takesTrailers ? leg.trailers : this.#body.trailers;
  }

  /** How long the server may make no progress. */
  get #silenceMs(): number {
    const { responseBodyTimeoutMs } = this.#request;
    return this.#body.done ? Math.min(TRAILERS_MS, responseBodyTimeoutMs) : responseBodyTimeoutMs;
  }

  #wait(leg: UpstreamLeg, nowMs: number): Relay {
    if (this.#isOver(leg)) {
      // It would poison the next response: such a connection is not used again.
      if (this.#unsolicited) leg.reusable = false;
      return Relay.DONE;
    }
    const { wheel } = this.#ctx;
    if (this.#request.client.queuedBytes > HIGH_WATER_BYTES) {
      leg.pauseReading();
      wheel.clear(leg);
    } else wheel.set(leg, nowMs + this.#silenceMs);
    return Relay.MORE;
  }
}
