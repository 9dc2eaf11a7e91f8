/** The responses that a worker gives itself on one client's connection: reserved paths, refusals, errors. */
import { Method, Route } from "../../shared/series-table.ts";
import type { ProxyContext } from "../context.ts";
import type { ProxiedRequest } from "../exchange/request.ts";
import { type Failure, Failures } from "../failure.ts";
import { recordLocal, recordRefused } from "../record/record.ts";
import type { Peer } from "../rewrite/request.ts";
import type { AdminQuestion } from "./admin-relay.ts";
import {
  errorResponse,
  type LocalResponse,
  livenessResponse,
  readinessResponse,
  renderResponse,
  sharedBody,
} from "./local-responses.ts";

/** The connection that the responses are for. */
export interface WaitingClient {
  readonly peer: Peer;
  /**
   * Sends a complete response.
   * @param inputPending the client may still be sending what belongs to the request.
   * @param body follows `bytes`.
   */
  deliver(bytes: Buffer, keepAlive: boolean, inputPending: boolean, nowMs: number, body?: Uint8Array | null): void;
}

/** One client's. */
export class LocalResponder {
  readonly #ctx: ProxyContext;
  readonly #client: WaitingClient;
  /** What the control process is asked for this client, until the client has it. */
  #question: AdminQuestion | null = null;

  constructor(ctx: ProxyContext, client: WaitingClient) {
    this.#ctx = ctx;
    this.#client = client;
  }

  /** Answers the request in `ctx.requestHead`, which is for a path of ours. @param mayKeep the connection may go on. */
  answer(route: number, mayKeep: boolean, nowMs: number): void {
    const ctx = this.#ctx;
    const { method, versionMinor, keepAlive, chunked, contentLength } = ctx.requestHead;
    // A body to these paths is not read: the connection ends with the response.
    const hasBody = chunked || contentLength > 0;
    const keep = keepAlive && !hasBody && !ctx.draining && mayKeep;
    const answer = (what: LocalResponse, now: number): void => {
      recordLocal(ctx, route, method, what.status);
      const bytes = renderResponse(ctx, what, method, versionMinor, keep);
      this.#client.deliver(bytes, keep, hasBody, now, sharedBody(what, method));
    };
    const fail = (failure: Failure, now: number): void => answer(errorResponse(failure, this.#newRequestId()), now);
    if (method !== Method.GET && method !== Method.HEAD) fail(Failures.METHOD_NOT_ALLOWED, nowMs);
    else if (route === Route.HEALTH_LIVE) answer(livenessResponse(nowMs + ctx.epochOffsetMs), nowMs);
    else if (route === Route.HEALTH_READY) answer(readinessResponse(ctx.memory), nowMs);
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
    const what = errorResponse(failure, requestId);
    const bytes = renderResponse(ctx, what, method, versionMinor, false);
    recordRefused(ctx, this.#client.peer, route, method, failure, requestId, bodyBytesOf(what, method), nowMs);
    this.#client.deliver(bytes, false, true, nowMs);
  }

  /** The client has its response, or has gone: nobody waits for the control process any more. */
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

/** An exchange's error response, and how many bytes its body has. */
export function renderError(
  ctx: ProxyContext,
  failure: Failure,
  request: ProxiedRequest,
  keepAlive: boolean,
): { readonly bytes: Buffer; readonly bodyBytes: number } {
  const id = request.requestIdBuffer.toString("latin1", request.requestIdStart, request.requestIdEnd);
  const answer = errorResponse(failure, id);
  const bytes = renderResponse(ctx, answer, request.method, request.versionMinor, keepAlive);
  return { bytes, bodyBytes: bodyBytesOf(answer, request.method) };
}

function bodyBytesOf(answer: LocalResponse, method: number): number {
  return method === Method.HEAD ? 0 : Buffer.byteLength(answer.body);
}
