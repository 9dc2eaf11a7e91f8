/**
 * What becomes of a response that is not passed on, because another server is asked instead. A short one is read to its
 * end, so that its connection can be used again: to reconnect after each error would add to the troubles of a server that
 * has some. What is long, slow or endless is cut off.
 */

import { BodyReader } from "../../http1/body-reader.ts";
import { BodyKind } from "../../http1/head.ts";
import type { UpstreamLeg, UpstreamRequest, UpstreamUser } from "../../upstream/leg.ts";
import type { ExchangeContext } from "../context.ts";

/** Longer bodies are not worth reading: a new connection costs less. */
const MAX_BYTES = 64 * 1024;
/** As for a body that does not come to its end. */
const MAX_MS = 1000;

/**
 * Takes over `leg`, on which the head in `ctx.responseHead` and then `rest[restStart …]` came. It ends in its pool
 * or is cut off; nobody waits for it.
 */
export function discardResponse(
  ctx: ExchangeContext,
  request: Pick<UpstreamRequest, "body">,
  leg: UpstreamLeg,
  rest: Buffer,
  restStart: number,
  nowMs: number,
): void {
  const { bodyKind, contentLength } = ctx.responseHead;
  const unfinished = !request.body.done || leg.queuedBytes > 0;
  const unwanted = bodyKind === BodyKind.UNTIL_CLOSE || (bodyKind === BodyKind.LENGTH && contentLength > MAX_BYTES);
  if (unfinished || unwanted || !leg.reusable) {
    leg.reset();
    return;
  }
  const body = new BodyReader();
  body.begin(bodyKind, contentLength);
  const drain = new Drain(leg, body);
  if (drain.take(rest, restStart, nowMs)) return;
  leg.user = drain;
  ctx.wheel.set(leg, nowMs + MAX_MS);
}

const NOBODY = Buffer.alloc(0);

/** Reads one body and forgets it. */
class Drain implements UpstreamUser {
  /** It asks for no connection. */
  readonly clientAddress = NOBODY;
  readonly #leg: UpstreamLeg;
  readonly #body: BodyReader;

  constructor(leg: UpstreamLeg, body: BodyReader) {
    this.#leg = leg;
    this.#body = body;
  }

  /** @returns whether that was all there is to do. */
  take(data: Buffer, start: number, nowMs: number): boolean {
    const body = this.#body;
    const stop = body.consume(data, start, data.length);
    // A body that breaks its framing, or bytes behind it that nobody asked for: such a connection is not used again.
    if (stop < data.length || body.bytes > MAX_BYTES) this.#leg.reset();
    else if (!body.done) return false;
    else this.#leg.release(nowMs);
    return true;
  }

  // The request was sent, and its head has come.
  onUpstreamReady(): void {}
  onUpstreamFailed(): void {}
  onUpstreamHead(): void {}

  onUpstreamData(_leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    this.take(data, 0, nowMs);
  }

  onUpstreamEnd(): void {
    this.#leg.reset();
  }

  onUpstreamDrain(): void {}

  onUpstreamDeadline(): void {
    this.#leg.reset();
  }
}
