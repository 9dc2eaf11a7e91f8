/** Passes one response on to the client: the rewritten head, then the body as it comes, no faster than the client takes it. */
import type { ProxyContext } from "../context.ts";
import { BodyReader } from "../http1/body-reader.ts";
import { BodyKind } from "../http1/head.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
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

/** One answer; the object serves many, one after the other. */
export class ResponseRelay {
  readonly #ctx: ProxyContext;
  readonly #request: ProxiedRequest;
  readonly #body = new BodyReader(true);

  constructor(ctx: ProxyContext, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#request = request;
  }

  /** Bytes of the body so far. */
  get bytes(): number {
    return this.#body.bytes;
  }

  /** The server sends nothing more, and has not broken off. @returns whether that is the body's proper end. */
  endWithConnection(leg: UpstreamLeg): boolean {
    if (this.#body.kind !== BodyKind.UNTIL_CLOSE) return false;
    this.#request.client.endBody(leg.trailers);
    return true;
  }

  /** What the client has got so far shows that it is not all; else only a reset can. */
  get showsCut(): boolean {
    return this.#body.showsCut;
  }

  /** There is no response yet. */
  reset(): void {
    this.#body.begin(BodyKind.NONE, 0);
  }

  /**
   * Sends the head (in `ctx.responseHead`, parsed from `buffer`) and the body bytes that came with it, `rest[restStart …]`.
   * Both may be empty afterwards.
   */
  begin(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): Relay {
    const { responseHead: head } = this.#ctx;
    const { client } = this.#request;
    const body = this.#body;
    body.begin(head.bodyKind, head.contentLength, head.chunked && !client.takesChunks);
    const { length } = rest;
    const stop = body.consume(rest, restStart, length);
    if (stop < 0) return Relay.BROKEN;
    const { repaired, contentEnd, done, trailers } = body;
    const complete = done && trailers === null;
    const sent =
      repaired === null
        ? client.respond(buffer, rest, restStart, contentEnd, complete)
        : client.respond(buffer, repaired, 0, repaired.length, complete);
    if (sent && done && !complete) client.endBody(trailers);
    return sent ? this.#wait(leg, stop < length, nowMs) : Relay.CLIENT_GONE;
  }

  /** More of the body; `data` may be empty afterwards. */
  more(leg: UpstreamLeg, data: Buffer, nowMs: number): Relay {
    const { length } = data;
    const stop = this.#body.consume(data, 0, length);
    const { repaired, contentEnd } = this.#body;
    const content = repaired ?? data;
    const end = repaired?.length ?? contentEnd;
    if (end > 0 && !this.#request.client.sendAway(content, 0, end)) return Relay.CLIENT_GONE;
    if (stop < 0) return Relay.BROKEN;
    if (this.#body.done) this.#request.client.endBody(this.#body.trailers);
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
}
