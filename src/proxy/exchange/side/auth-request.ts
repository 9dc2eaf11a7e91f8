/**
 * The question whether a request may pass (`forward_auth`). A response of 2xx says so; any other is the client's, passed on
 * as a server's is; and where there is none the request does not pass.
 */

import { TraceAttemptKind } from "../../../shared/memory/layout/tracing.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { Method } from "../../../shared/memory/series-table.ts";
import { type Failure, Failures } from "../../failure.ts";
import { BodyKind } from "../../http1/head.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import type { AuthTarget } from "../../routing/auth-target.ts";
import type { UpstreamLeg } from "../../upstream/leg.ts";
import type { ExchangeContext } from "../context.ts";
import type { ProxiedRequest } from "../request.ts";
import { allowedEdits, QUESTION_PATH_START, questionEdits, questionHead } from "./auth-head.ts";
import { SideRequest } from "./side-request.ts";

/** Who wants to know. */
export interface AuthSeeker {
  /** It may pass, with these changes. */
  onAllowed(edits: HeadEdits, nowMs: number): void;
  /** It may not: this is the client's response, in `ctx.responseHead` and parsed from `buffer`; `rest[restStart …]` follows. */
  onDenied(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void;
  /** Nobody says. */
  fail(failure: Failure, nowMs: number): void;
  // After `onDenied`: see `AttemptUser`.
  onResponseData(leg: UpstreamLeg, data: Buffer, nowMs: number): void;
  onResponseEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void;
  onResponseSilent(nowMs: number): void;
}

/** The questions of one exchange, one after the other. */
export class AuthRequest extends SideRequest {
  protected override readonly kind = TraceAttemptKind.AUTHORISE;
  protected override readonly isNeeded = true;
  readonly #seeker: AuthSeeker;
  #target!: AuthTarget;
  /** What the client asked by: the question is a GET. */
  #clientMethod = 0;
  /** Its response is the client's. */
  denies = false;

  constructor(ctx: ExchangeContext, seeker: AuthSeeker) {
    super(ctx);
    this.#seeker = seeker;
  }

  /** Asks about `request`. The seeker may be told before this returns. */
  begin(request: ProxiedRequest, target: AuthTarget, nowMs: number): void {
    const { pool, path, timeoutMs } = target;
    this.#target = target;
    this.#clientMethod = request.method;
    this.follow(request, pool);
    this.notes = request.notes;
    pool.retryBudget.onRequest();
    const head = questionHead(request, target);
    this.edits = questionEdits(request);
    this.method = Method.GET;
    this.headBuffer = head;
    this.host = target.host;
    this.pathStart = QUESTION_PATH_START;
    this.pathEnd = QUESTION_PATH_START + path.length;
    this.ctx.wheel.set(this, nowMs + timeoutMs);
    if (!this.ask(nowMs)) this.onFailure(Failures.NO_SERVER, nowMs);
  }

  protected override mayAskAgain(failure: Failure, nothingSent: boolean, nowMs: number): boolean {
    const { settings, retryBudget } = this.pool;
    if (!failure.retryable || this.attempts > settings.request.retryAttempts) return false;
    if (!nothingSent && !retryBudget.tryTake(nowMs)) return false;
    this.ctx.counters[WorkerCounter.RETRIES]++;
    return true;
  }

  protected override onHead(buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { responseHead: head, wheel } = this.ctx;
    const { attempt } = this;
    wheel.clear(this);
    if (head.status >= 300) {
      this.denies = true;
      if (attempt.leg !== null) this.#deny(attempt.leg, buffer, rest, restStart, nowMs);
      return;
    }
    const edits = allowedEdits(buffer, head, this.#target);
    attempt.discard(rest, restStart, nowMs);
    this.end(false, null, 0, nowMs);
    if (edits === null) this.#seeker.fail(Failures.AUTH_UNAVAILABLE, nowMs);
    else this.#seeker.onAllowed(edits, nowMs);
  }

  #deny(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { responseHead: head } = this.ctx;
    if (this.#clientMethod === Method.HEAD && head.bodyKind !== BodyKind.NONE) {
      // This client has no use for the body, and nothing else may be asked behind it.
      head.bodyKind = BodyKind.NONE;
      leg.reusable = false;
    }
    this.#seeker.onDenied(leg, buffer, rest, restStart, nowMs);
  }

  protected override onFailure(_failure: Failure, nowMs: number): void {
    this.clear();
    this.#seeker.fail(Failures.AUTH_UNAVAILABLE, nowMs);
  }

  /**
   * Ends it, whatever it is doing; nothing when it is over.
   * @param complete the response was passed on to its end.
   * @param failure why it ended, when it was not.
   * @param responseBytes what the client got of it.
   */
  end(complete: boolean, failure: Failure | null, responseBytes: number, nowMs: number): void {
    this.attempt.end(complete, failure, responseBytes, nowMs);
    this.denies = false;
    this.clear();
  }

  override onResponseData(leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    this.#seeker.onResponseData(leg, data, nowMs);
  }

  override onResponseEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void {
    this.#seeker.onResponseEnd(leg, broken, nowMs);
  }

  override onResponseSilent(nowMs: number): void {
    this.#seeker.onResponseSilent(nowMs);
  }
}
