/** The responses that a worker gives one client itself: reserved paths, refusals, errors. */
import { AddressRanges } from "../../shared/addresses/address-ranges.ts";
import { NO_POOL } from "../../shared/memory/layout/history.ts";
import { Method, Route } from "../../shared/memory/series-table.ts";
import { type Failure, Failures } from "../failure.ts";
import { errorResponse } from "../local/errors.ts";
import { type LocalResponse, sentBodyBytes } from "../local/response.ts";
import { clientAddressOf } from "../pick/sticky-key.ts";
import { type OwnClient, OwnRequest } from "../record/access-log/own-request.ts";
import { recordLocal, recordRefused } from "../record/record.ts";
import type { HeadEdits } from "../rewrite/edits.ts";
import { hstsEdits } from "../rewrite/hsts.ts";
import type { Peer } from "../rewrite/request.ts";
import type { Tracing } from "../worker-context.ts";
import { metricsQuery, SERVERS_QUERY } from "./admin-query.ts";
import type { AdminQuestion } from "./admin-relay.ts";
import type { DownstreamContext } from "./context.ts";
import { livenessResponse, readinessResponse } from "./health-responses.ts";

/** Of a request whose body nobody reads. */
const UNREAD = { bytes: 0 };

/** Whom the responses are for. */
export interface LocalClient extends OwnClient {
  readonly peer: Peer;
  /** The port that it connected to. */
  readonly port: number;
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

  /** Responds to a request for a path of ours, whose head is in `ctx.requestHead`, parsed from `bytes[start …]`. */
  respond(route: number, bytes: Buffer, start: number, startedMs: number, nowMs: number): void {
    const ctx = this.#ctx;
    const { method } = ctx.requestHead;
    const requestId = this.#newRequestId();
    const asked = this.#isLogged(route, method) ? this.#read(requestId, bytes, start, startedMs, null) : null;
    const end = (response: LocalResponse, failure: Failure | null, now: number): void => {
      recordLocal(ctx, asked, route, method, response.status, failure, sentBodyBytes(response, method), now);
      this.#client.deliver(response, method, this.#edits, now);
    };
    const deliver = (response: LocalResponse, now: number): void => end(response, null, now);
    const fail = (failure: Failure, now: number): void => end(errorResponse(failure, requestId), failure, now);
    if (!isQuestion(method)) fail(Failures.METHOD_NOT_ALLOWED, nowMs);
    else if (route === Route.SERVER) fail(Failures.SERVER_NOT_SHOWN, nowMs);
    else if (route === Route.HEALTH_LIVE) deliver(livenessResponse(nowMs + ctx.epochOffsetMs), nowMs);
    else if (route === Route.HEALTH_READY) deliver(readinessResponse(ctx.memory, ctx.settings.pools), nowMs);
    else if (!this.#maySeeFleet(bytes)) fail(Failures.FLEET_STATUS_DENIED, nowMs);
    else {
      const query = route === Route.METRICS ? metricsQuery(bytes, ctx.requestHead) : SERVERS_QUERY;
      this.#question = ctx.admin.ask(query, (response) => {
        if (response === null) fail(Failures.ADMIN_UNAVAILABLE, ctx.now());
        else deliver(response, ctx.now());
      });
      if (this.#question === null) fail(Failures.ADMIN_BUSY, nowMs);
    }
  }

  /** Responds with what is known already to a request that no server is to see, whose head is as for `respond`. */
  respondWith(
    response: LocalResponse,
    route: number,
    bytes: Buffer,
    start: number,
    startedMs: number,
    nowMs: number,
  ): void {
    const { method } = this.#ctx.requestHead;
    const requestId = this.#newRequestId();
    const asked = this.#isLogged(route, method) ? this.#read(requestId, bytes, start, startedMs, null) : null;
    recordLocal(this.#ctx, asked, route, method, response.status, null, sentBodyBytes(response, method), nowMs);
    this.#client.deliver(response, method, this.#edits, nowMs);
  }

  /** As `respond`, with an error before there is an exchange. Where traces are exported it is a span, without attempts. */
  refuse(failure: Failure, route: number, bytes: Buffer, start: number, startedMs: number, nowMs: number): void {
    const { accessLog, history, explain, tracing, requestHead } = this.#ctx;
    const requestId = this.#newRequestId();
    const isTold = accessLog !== null || history !== null || explain !== null || tracing !== null;
    const asked = isTold ? this.#read(requestId, bytes, start, startedMs, tracing) : null;
    const sent = this.#refuse(failure, asked, route, requestHead.method, requestId, nowMs);
    if (tracing !== null && asked?.sampled === true) {
      const request = { ...asked, client: this.#client, route, poolRow: NO_POOL, body: UNREAD };
      // The parsed head's offsets are into the bytes that it came in.
      const { methodStart, methodEnd } = requestHead;
      const parentIdStart = asked.parentIdStart < 0 ? -1 : asked.parentIdStart + start;
      const there = { ...request, headBuffer: bytes, methodStart, methodEnd, parentIdStart };
      const outcome = { status: failure.status, failure, responseBytes: sent, waitMs: 0, isTunnel: false };
      tracing.writer.begin().end(there, requestHead, outcome, nowMs);
    }
  }

  /** Responds with an error to what cannot be believed to be a request. */
  refuseBytes(failure: Failure, nowMs: number): void {
    const requestId = this.#newRequestId();
    const asked = new OwnRequest(this.#client, requestId, nowMs);
    this.#refuse(failure, asked, Route.INVALID, Method.OTHER, requestId, nowMs);
  }

  /** @returns the bytes of the response's body. */
  #refuse(
    failure: Failure,
    asked: OwnRequest | null,
    route: number,
    method: number,
    requestId: string,
    nowMs: number,
  ): number {
    const response = errorResponse(failure, requestId);
    const bytes = sentBodyBytes(response, method);
    recordRefused(this.#ctx, asked, route, method, failure, bytes, nowMs);
    this.#client.deliver(response, method, this.#edits, nowMs);
    return bytes;
  }

  #maySeeFleet(bytes: Buffer): boolean {
    const { requestHead, settings, trustedProxies } = this.#ctx;
    if (settings.fleetStatus === null) return true;
    const address = clientAddressOf(bytes, requestHead, this.#client.peer, trustedProxies);
    return rangesOf(settings.fleetStatus).includes(address);
  }

  /** May there be a line of it? Health is asked for often, and such a question alone cannot fail. */
  #isLogged(route: number, method: number): boolean {
    const { accessLog, settings } = this.#ctx;
    if (accessLog === null) return false;
    const isHealth = route === Route.HEALTH_LIVE || route === Route.HEALTH_READY;
    return settings.accessLogProbes || !isHealth || !isQuestion(method);
  }

  #read(requestId: string, bytes: Buffer, start: number, startedMs: number, tracing: Tracing | null): OwnRequest {
    const { requestHead, ids, trustedProxies } = this.#ctx;
    const client = this.#client;
    const asked = new OwnRequest(client, requestId, startedMs).read(client, bytes, start, requestHead, tracing, ids);
    if (client.peer.trusted) {
      asked.clientAddress = Buffer.from(clientAddressOf(bytes, requestHead, client.peer, trustedProxies), "latin1");
    }
    return asked;
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

/** Read once for each configuration. */
const RANGES = new WeakMap<readonly string[], AddressRanges>();

function rangesOf(cidrs: readonly string[]): AddressRanges {
  const known = RANGES.get(cidrs);
  if (known !== undefined) return known;
  const ranges = new AddressRanges(cidrs);
  RANGES.set(cidrs, ranges);
  return ranges;
}

function isQuestion(method: number): boolean {
  return method === Method.GET || method === Method.HEAD;
}
