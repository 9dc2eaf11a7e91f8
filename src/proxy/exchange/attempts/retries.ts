/**
 * Second attempts of one request: whether it may be sent again, and where not to. What bounds them is asked in this one
 * place: what the request is, `RETRY_ATTEMPTS`, and the budget.
 */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { type Failure, Failures } from "../../failure.ts";
import { hasPushback } from "../../grpc/grpc-message.ts";
import type { ResponseHead } from "../../http1/head.ts";
import { isAtLimit } from "../../pick/picker.ts";
import { Heed } from "../../pick/room.ts";
import type { ExchangeContext } from "../context.ts";
import type { ProxiedRequest } from "../request.ts";

/** No other server is to be asked. */
export const NO_OTHER = -1;

/** The attempts of one request; the object serves many requests, one after the other. */
export class Retries {
  readonly #ctx: ExchangeContext;
  readonly #request: ProxiedRequest;
  /** Attempts that were begun, hedges and those that met a stale connection included. */
  attempts = 0;
  /** Servers that failed this request: others are preferred. */
  readonly excluded: number[] = [];
  /** An attempt met a stale connection: when a server restarts, all that were kept are stale at once. */
  foundStale = false;

  constructor(ctx: ExchangeContext, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#request = request;
  }

  /** Could the request be sent again once a server has had it? */
  get possible(): boolean {
    return this.#request.idempotent && !this.#request.streamed && this.#attemptsLeft;
  }

  /**
   * An attempt at `slot` ended without a response: may another one follow? If so, the server is remembered and the
   * budget charged.
   * @param nothingSent the server can't have seen any of the request.
   */
  afterFailure(failure: Failure, slot: number, nothingSent: boolean, nowMs: number): boolean {
    const stale = failure === Failures.STALE_CONNECTION;
    if (stale) this.foundStale = true;
    if (!failure.retryable || this.#request.streamed) return false;
    // What may have been processed is sent again only if that does no harm.
    if (!nothingSent && !this.#request.idempotent) return false;
    if (!this.#attemptsLeft && !(nothingSent && this.#hasUntried(slot))) return false;
    // The budget keeps a fleet from being buried under repeated work: what no server has seen is none.
    if (!nothingSent && !stale && !this.#takeBudget(nowMs)) return false;
    // A stale connection says nothing about its server.
    if (!stale) this.excluded.push(slot);
    return true;
  }

  /** Is a response of 5xx one that another server is asked for? */
  wantsOtherThan(status: number): boolean {
    return this.#request.target.settings.retryOnStatus.includes(status) && this.possible;
  }

  /**
   * The same of a call of gRPC that ended with its head. That it may be made twice is said by whoever wrote the setting.
   * @param head parsed from `buffer`.
   */
  wantsOtherThanCall(grpcStatus: number, buffer: Buffer, head: ResponseHead): boolean {
    const { target, streamed } = this.#request;
    if (streamed || !target.settings.retryOnGrpcStatus.includes(grpcStatus)) return false;
    return head.contentLength === 0 && this.#attemptsLeft && !hasPushback(buffer, head);
  }

  /**
   * The server in `slot` gave a response that is not wanted: which one is asked instead? The budget is charged then, and a
   * place in flight is taken there. A response in hand is worth more than another attempt at a server that has failed already,
   * or than a wait for room.
   * @returns a slot, or `NO_OTHER`: this response is the client's.
   */
  insteadOf(slot: number, nowMs: number): number {
    const { pool } = this.#request;
    const { picker } = pool;
    this.excluded.push(slot);
    let other = picker.acquire(this.#request, nowMs, this.excluded);
    // It is not kept from its only chance by a limit that was only learned.
    if (isAtLimit(other)) other = picker.acquire(this.#request, nowMs, this.excluded, true, Heed.NONE);
    if (other < 0) return NO_OTHER;
    if (!this.excluded.includes(other) && !picker.isPassedOver(other) && this.#takeBudget(nowMs)) return other;
    pool.free(other, picker.work.taken, nowMs);
    return NO_OTHER;
  }

  reset(): void {
    this.attempts = 0;
    // Hardly ever: to set the length of an array is a call of the runtime, whatever it was.
    if (this.excluded.length > 0) this.excluded.length = 0;
    this.foundStale = false;
  }

  /**
   * A stale connection is no attempt at its server. If it counted, a crash of two servers at once would use up three
   * attempts: the connection that was cut, and each of the two, which look idle now.
   */
  get #attemptsLeft(): boolean {
    const most = this.#request.target.settings.retryAttempts;
    return most > 0 && this.attempts - (this.foundStale ? 1 : 0) <= most;
  }

  /**
   * Closed doors don't use up the attempts while there is a server that nobody found failing: whoever finds one does so
   * for all, so this costs no more tries than there are servers, however many requests there are.
   */
  #hasUntried(slot: number): boolean {
    const { pool, target } = this.#request;
    return target.settings.retryAttempts > 0 && pool.picker.hasUntried([...this.excluded, slot]);
  }

  #takeBudget(nowMs: number): boolean {
    if (this.#request.pool.retryBudget.tryTake(nowMs)) return true;
    this.#ctx.counters[WorkerCounter.RETRIES_DENIED_BY_BUDGET]++;
    return false;
  }
}
