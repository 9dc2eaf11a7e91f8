/** The responses that a worker gives one client itself: reserved paths, refusals, errors. */
import { Method, Route } from "../../shared/memory/series-table.ts";
import { type Failure, Failures } from "../failure.ts";
import type { RequestHead } from "../http1/head.ts";
import { errorResponse } from "../local/errors.ts";
import { type LocalResponse, sentBodyBytes } from "../local/response.ts";
import { recordLocal, recordRefused } from "../record/record.ts";
import type { HeadEdits } from "../rewrite/edits.ts";
import { hstsEdits } from "../rewrite/hsts.ts";
import type { Peer } from "../rewrite/request.ts";
import { metricsQuery, SERVERS_QUERY } from "./admin-query.ts";
import type { AdminQuestion } from "./admin-relay.ts";
import type { DownstreamContext } from "./context.ts";
import { livenessResponse, readinessResponse } from "./health-responses.ts";

/** Whom the responses are for. */
export interface LocalClient {
  readonly peer: Peer;
  /** Sends a complete response, changed by `edits`, to a request with this method, unless the client has gone meanwhile. */
  deliver(response: LocalResponse, method: number, edits: HeadEdits | null, nowMs: number): void;
}

/** One client's. */
export class LocalResponder {
  readonly #ctx: DownstreamContext;
  readonly #client: LocalClient;
  /** What the control process is asked for this client, until the client has it. */
  #question: AdminQuestion | null = null;

  constructor(ctx: DownstreamContext, client: LocalClient) {
    this.#ctx = ctx;
    this.#client = client;
  }

  /**
   * Responds to a request for a path of ours.
   * @param bytes where `head` was found; looked at before this returns.
   */
  respond(route: number, bytes: Buffer, head: RequestHead, nowMs: number): void {
    const ctx = this.#ctx;
    const { method } = head;
    const deliver = (response: LocalResponse, now: number): void => {
      recordLocal(ctx, route, method, response.status);
      this.#client.deliver(response, method, this.#edits, now);
    };
    const fail = (failure: Failure, now: number): void => deliver(errorResponse(failure, this.#newRequestId()), now);
    if (method !== Method.GET && method !== Method.HEAD) fail(Failures.METHOD_NOT_ALLOWED, nowMs);
    else if (route === Route.HEALTH_LIVE) deliver(livenessResponse(nowMs + ctx.epochOffsetMs), nowMs);
    else if (route === Route.HEALTH_READY) deliver(readinessResponse(ctx.memory, ctx.settings.pools), nowMs);
    else {
      const query = route === Route.METRICS ? metricsQuery(bytes, head) : SERVERS_QUERY;
      this.#question = ctx.admin.ask(query, (response) => {
        if (response === null) fail(Failures.ADMIN_UNAVAILABLE, ctx.now());
        else deliver(response, ctx.now());
      });
      if (this.#question === null) fail(Failures.ADMIN_BUSY, nowMs);
    }
  }

  /** Responds with an error before there is an exchange. */
  refuse(failure: Failure, route: number, method: number, nowMs: number): void {
    const requestId = this.#newRequestId();
    const response = errorResponse(failure, requestId);
    const bodyBytes = sentBodyBytes(response, method);
    recordRefused(this.#ctx, this.#client.peer, route, method, failure, requestId, bodyBytes, nowMs);
    this.#client.deliver(response, method, this.#edits, nowMs);
  }

  /** The client has its response, or has gone: nobody waits for the control process any more. */
  end(): void {
    this.#question?.end();
    this.#question = null;
  }

  /** The route that would say something else is not known. */
  get #edits(): HeadEdits | null {
    return this.#client.peer.secure ? hstsEdits(this.#ctx.settings.hstsMs) : null;
  }

  #newRequestId(): string {
    const id = Buffer.alloc(32);
    this.#ctx.ids.write(id, 0, 32);
    return id.toString("latin1");
  }
}
