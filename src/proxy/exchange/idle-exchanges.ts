/** The exchanges of one worker: they serve one request after the other, of whatever client. */
import type { ExchangeContext } from "./context.ts";
import type { Exchanges } from "./downstream.ts";
import { Exchange } from "./exchange.ts";
import { Mirrors } from "./side/mirrors.ts";

/** One worker's. */
export class IdleExchanges implements Exchanges {
  readonly #ctx: ExchangeContext;
  /** Those that serve no request. */
  readonly #idle: Exchange[] = [];
  readonly #mirrors: Mirrors;

  /** @param onInternalError told what mirroring a request threw: the request itself goes on. */
  constructor(ctx: ExchangeContext, onInternalError: (error: unknown) => void) {
    this.#ctx = ctx;
    this.#mirrors = new Mirrors(ctx, onInternalError);
  }

  take(): Exchange {
    return this.#idle.pop() ?? new Exchange(this.#ctx, this.#idle, this.#mirrors);
  }
}
