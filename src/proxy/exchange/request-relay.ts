/** Passes the rest of a request's body on to its server, no faster than the server takes it. */

import { keep } from "../sockets/receive-memory.ts";
import type { Attempt } from "./attempts/attempt.ts";
import type { ExchangeContext } from "./context.ts";
import type { ProxiedRequest } from "./request.ts";

/** Bytes that may wait for a slow receiver before the sender is paused. */
export const HIGH_WATER_BYTES = 64 * 1024;

/** The body of one request beyond the bytes that came with its head; the object serves many requests. */
export class RequestRelay {
  readonly #ctx: ExchangeContext;
  readonly #request: ProxiedRequest;
  /** Bytes that wait for a connection; null = none. */
  #waiting: Buffer[] | null = null;
  #waitingBytes = 0;

  constructor(ctx: ExchangeContext, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#request = request;
  }

  reset(): void {
    this.#waiting = null;
    this.#waitingBytes = 0;
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
    this.#request.streamed = true;
    // A server that stopped reading, perhaps because it has answered already, shows by closing.
    // What follows in the same packet belongs to the next request.
    if (stop === data.length) attempt.leg.sendAway(data, start, stop);
    else attempt.leg.send(data, start, stop, true);
    if (this.#request.body.done) attempt.leg.endBody(null);
  }

  /** The head has been sent: so can be what waited. */
  passWaiting(attempt: Attempt): void {
    const waiting = this.#waiting;
    if (waiting === null || attempt.leg === null) return;
    this.#waiting = null;
    this.#waitingBytes = 0;
    this.#request.streamed = true;
    for (const chunk of waiting) attempt.leg.sendAway(chunk, 0, chunk.length);
    if (this.#request.body.done) attempt.leg.endBody(null);
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
