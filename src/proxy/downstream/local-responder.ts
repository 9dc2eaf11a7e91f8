/** The answers that a worker gives itself on one client's connection: reserved paths, refusals, errors. */
import { Method, Route } from "../../shared/series-table.ts";
import type { AdminQuestion } from "./admin-relay.ts";
import type { ProxyContext } from "../context.ts";
import { type Failure, Failures } from "../failure.ts";
import {
  errorAnswer,
  type LocalAnswer,
  livenessAnswer,
  readinessAnswer,
  renderAnswer,
  sharedBody,
} from "./local-responses.ts";
import { recordLocal, recordRefused } from "../record/record.ts";
import type { ProxiedRequest } from "../exchange/request.ts";
import type { Peer } from "../rewrite/request.ts";

/** The connection that the answers are for. */
export interface AnsweredClient {
  readonly peer: Peer;
  /**
   * Sends a complete answer.
   * @param inputPending the client may still be sending what belongs to the request.
   * @param body follows `bytes`.
   */
  deliver(bytes: Buffer, keepAlive: boolean, inputPending: boolean, nowMs: number, body?: Uint8Array | null): void;
}

/** One client's. */
export class LocalResponder {
  readonly #ctx: ProxyContext;
  readonly #client: AnsweredClient;
  /** What the control process is asked for this client, until the client has it. */
  #question: AdminQuestion | null = null;

  constructor(ctx: ProxyContext, client: AnsweredClient) {
    this.#ctx = ctx;
    this.#client = client;
  }

  /** Answers the request in `ctx.requestHead`, which is for a path of ours. @param mayKeep the connection may go on. */
  answer(route: number, mayKeep: boolean, nowMs: number): void {
    const ctx = this.#ctx;
    const { method, versionMinor, keepAlive, chunked, contentLength } = ctx.requestHead;
    // A body to these paths is not read: the connection ends with the answer.
    const hasBody = chunked || contentLength > 0;
    const keep = keepAlive && !hasBody && !ctx.draining && mayKeep;
    const answer = (what: LocalAnswer, now: number): void => {
      recordLocal(ctx, route, method, what.status);
      const bytes = renderAnswer(ctx, what, method, versionMinor, keep);
      this.#client.deliver(bytes, keep, hasBody, now, sharedBody(what, method));
    };
    const fail = (failure: Failure, now: number): void => answer(errorAnswer(failure, this.#newRequestId()), now);
    if (method !== Method.GET && method !== Method.HEAD) fail(Failures.METHOD_NOT_ALLOWED, nowMs);
    else if (route === Route.HEALTH_LIVE) answer(livenessAnswer(nowMs + ctx.epochOffsetMs), nowMs);
    else if (route === Route.HEALTH_READY) answer(readinessAnswer(ctx.memory), nowMs);
    else {
      this.#question = ctx.admin.ask(route, (what) => {
        if (what === null) fail(Failures.ADMIN_UNAVAILABLE, ctx.now());
        else answer(what, ctx.now());
      });
      if (this.#question === null) fail(Failures.ADMIN_BUSY, nowMs);
    }
  }

  /** Answers with an error before there is an exchange; it ends the connection. */
  refuse(failure: Failure, route: number, nowMs: number): void {
    const ctx = this.#ctx;
    const { method, versionMinor } = ctx.requestHead;
    const requestId = this.#newRequestId();
    const what = errorAnswer(failure, requestId);
    const bytes = renderAnswer(ctx, what, method, versionMinor, false);
    recordRefused(ctx, this.#client.peer, route, method, failure, requestId, bodyBytesOf(what, method), nowMs);
    this.#client.deliver(bytes, false, true, nowMs);
  }

  /** The client has its answer, or has gone: nobody waits for the control process any more. */
  end(): void {
    this.#question?.end();
    this.#question = null;
  }

  #newRequestId(): string {
    const id = Buffer.alloc(32);
    this.#ctx.ids.write(id, 0, 32);
    return id.toString("latin1");
  }
}

/** An exchange's error answer, and how many bytes its body has. */
export function renderError(
  ctx: ProxyContext,
  failure: Failure,
  request: ProxiedRequest,
  keepAlive: boolean,
): { readonly bytes: Buffer; readonly bodyBytes: number } {
  const id = request.requestIdBuffer.toString("latin1", request.requestIdStart, request.requestIdEnd);
  const answer = errorAnswer(failure, id);
  const bytes = renderAnswer(ctx, answer, request.method, request.versionMinor, keepAlive);
  return { bytes, bodyBytes: bodyBytesOf(answer, request.method) };
}

function bodyBytesOf(answer: LocalAnswer, method: number): number {
  return method === Method.HEAD ? 0 : Buffer.byteLength(answer.body);
}
