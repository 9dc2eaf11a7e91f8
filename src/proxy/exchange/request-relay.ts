/** Passes the rest of a request's body on to its server, no faster than the server takes it. */

import { keep } from "../sockets/receive-memory.ts";
import type { Attempt } from "./attempts/attempt.ts";
import type { ExchangeContext } from "./context.ts";
import type { ProxiedRequest } from "./request.ts";

/** Bytes that may wait for a slow receiver before the sender is paused. */
export const HIGH_WATER_BYTES = 64 * 1024;

/** Bytes beyond those that came with the head which are kept to be sent again: enough for the messages of most calls of gRPC. */
const KEPT_BYTES = 64 * 1024;

/** The body of one request beyond the bytes that came with its head; the object serves many requests. */
export class RequestRelay {
  readonly #ctx: ExchangeContext;
  readonly #request: ProxiedRequest;
  /** Bytes that wait for a connection; null = none. */
  #waiting: Buffer[] | null = null;
  #waitingBytes = 0;
  /** What was passed on and may be wanted again; null = nothing. Nobody writes to its memory. */
  #kept: Buffer[] | null = null;
  #keptBytes = 0;

  constructor(ctx: ExchangeContext, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#request = request;
  }

  reset(): void {
    this.#waiting = null;
    this.#waitingBytes = 0;
    this.#kept = null;
    this.#keptBytes = 0;
  }

  /** A response has begun: what was passed on is not wanted again. */
  onResponse(): void {
    if (this.#request.keepsBody) this.#keepNothing();
  }

  /**
   * Sends `data[start … stop)` on; when that is its end, it may be empty afterwards. While there is no connection that has
   * the head, or one that takes nothing more, it is kept, and the client has to wait when that is much: of one that is read
   * from we see that it leaves.
   */
  pass(attempt: Attempt, data: Buffer, start: number, stop: number): void {
    if (attempt.leg === null || !attempt.sent || attempt.leg.gone) {
      this.#waiting ??= [];
      this.#waiting.push(keep(data.subarray(start, stop)));
      this.#waitingBytes += stop - start;
      if (this.#waitingBytes > HIGH_WATER_BYTES) this.#request.client.pauseReading();
      return;
    }
    if (!this.#keepCopy(data, start, stop)) this.#request.streamed = true;
    // A server that stopped reading, perhaps because it has answered already, shows by closing.
    // What follows in the same packet belongs to the next request.
    if (stop === data.length) attempt.leg.sendAway(data, start, stop);
    else attempt.leg.send(data, start, stop, true);
    if (this.#request.body.done) attempt.leg.endBody(null);
  }

  /** The head has been sent: so can be what an earlier attempt had of the body, and what waited. */
  passWaiting(attempt: Attempt): void {
    const waiting = this.#waiting;
    const { leg } = attempt;
    if (leg === null) return;
    if (this.#kept !== null) for (const chunk of this.#kept) leg.send(chunk, 0, chunk.length, false);
    if (waiting !== null) {
      this.#waiting = null;
      this.#waitingBytes = 0;
      for (const chunk of waiting) {
        if (this.#keep(chunk)) leg.send(chunk, 0, chunk.length, false);
        else {
          this.#request.streamed = true;
          leg.sendAway(chunk, 0, chunk.length);
        }
      }
    } else if (this.#kept === null) return;
    if (this.#request.body.done) leg.endBody(null);
  }

  /** Keeps what is passed on of a body that may be wanted again. @returns whether it could. */
  #keepCopy(data: Buffer, start: number, stop: number): boolean {
    return this.#mayKeep(stop - start) && this.#keep(Buffer.from(data.subarray(start, stop)));
  }

  /** As `#keepCopy`, of bytes that nobody else has. */
  #keep(bytes: Buffer): boolean {
    if (!this.#mayKeep(bytes.length)) return false;
    this.#kept ??= [];
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
    return true;
  }

  #mayKeep(bytes: number): boolean {
    if (!this.#request.keepsBody || this.#request.streamed) return false;
    if (this.#keptBytes + bytes <= KEPT_BYTES) return true;
    this.#keepNothing();
    return false;
  }

  #keepNothing(): void {
    this.#kept = null;
    this.#keptBytes = 0;
    this.#request.streamed = true;
  }

  /** It is the client's turn to send more: the server has the head, and takes what follows. */
  isAwaited({ leg, sent }: Attempt): boolean {
    if (this.#request.body.done || !sent || leg === null || leg.gone) return false;
    return leg.queuedBytes <= HIGH_WATER_BYTES && !this.#request.awaitsContinue;
  }

  /** The next piece may come from the client, unless the server must first take what there is. */
  awaitMore({ leg, sent }: Attempt, responseBegun: boolean, nowMs: number): void {
    const { wheel } = this.#ctx;
    const { client, target } = this.#request;
    const { settings } = target;
    if (leg === null || !sent) return;
    if (leg.gone) {
      // It may have answered before it broke off, and shows its end by itself.
      if (!responseBegun) wheel.set(leg, nowMs + this.#request.responseHeadTimeoutMs);
      return;
    }
    if (leg.queuedBytes > HIGH_WATER_BYTES) {
      client.pauseReading();
      wheel.set(leg, nowMs + settings.requestBodyTimeoutMs);
      return;
    }
    client.resumeReading();
    if (this.#request.awaitsContinue) wheel.set(leg, nowMs + this.#request.responseHeadTimeoutMs);
    else if (!responseBegun) wheel.clear(leg);
  }
}
