/** What becomes of a request whose head is understood, before an exchange serves it: the same in every protocol of clients. */
import { Route } from "../../shared/memory/series-table.ts";
import { Failures } from "../failure.ts";
import type { RequestHead } from "../http1/head.ts";
import type { LocalResponse } from "../local/response.ts";
import { clientAddressOf } from "../pick/sticky-key.ts";
import type { Peer } from "../rewrite/request.ts";
import type { DownstreamContext } from "./context.ts";
import type { Entrance } from "./entrance.ts";
import type { LocalResponder } from "./local-responder.ts";
import { isLocal } from "./routes.ts";

/** What it is. */
export const Reception = {
  /** An exchange serves it. */
  SERVE: 0,
  /** A CA asks about a name. */
  CHALLENGE: 1,
  /** Its client is not let in: `Failures.CLIENT_DENIED`. */
  DENIED: 2,
  /** Its path is one of ours. */
  LOCAL: 3,
  /** Its connection is over a limit: `Failures.OVERLOADED`. */
  OVERLOADED: 4,
} as const;
export type Reception = (typeof Reception)[keyof typeof Reception];

/**
 * Decides on the request in `ctx.requestHead`, which was parsed from `head`.
 * @param route index into `ROUTES`.
 * @param shed its connection is over a limit.
 */
export function receive(
  ctx: DownstreamContext,
  entrance: Entrance,
  peer: Peer,
  shed: boolean,
  head: Buffer,
  route: number,
): Reception {
  if (ctx.challenges !== null && challengeResponse(ctx, entrance, head) !== null) return Reception.CHALLENGE;
  const { access } = entrance;
  if (access?.permits(clientAddressOf(head, ctx.requestHead, peer, ctx.trustedProxies)) === false) {
    return Reception.DENIED;
  }
  if (isLocal(route)) return Reception.LOCAL;
  return shed ? Reception.OVERLOADED : Reception.SERVE;
}

/** It is an error. */
export function isRefusal(reception: Reception): boolean {
  return reception === Reception.DENIED || reception === Reception.OVERLOADED;
}

/** Responds to the request that `receive` has decided on, if no exchange serves it; `head[headStart …]` is its head. */
export function respondTo(
  reception: Reception,
  ctx: DownstreamContext,
  entrance: Entrance,
  responder: LocalResponder,
  route: number,
  head: Buffer,
  headStart: number,
  startedMs: number,
  nowMs: number,
): void {
  if (isRefusal(reception)) {
    const failure = reception === Reception.DENIED ? Failures.CLIENT_DENIED : Failures.OVERLOADED;
    responder.refuse(failure, route, head, headStart, startedMs, nowMs);
    return;
  }
  const challenge = reception === Reception.CHALLENGE ? challengeResponse(ctx, entrance, head) : null;
  if (challenge === null) responder.respond(route, head, headStart, startedMs, nowMs);
  else responder.respondWith(challenge, Route.ACME_CHALLENGE, head, headStart, startedMs, nowMs);
}

/** What a CA is told that asks about a name; null = it does not ask. Everything else below that path is the site's. */
function challengeResponse(ctx: DownstreamContext, entrance: Entrance, head: Buffer): LocalResponse | null {
  const { requestHead, challenges } = ctx;
  return entrance.secure || hasBody(requestHead) ? null : (challenges?.responseTo(head, requestHead) ?? null);
}

/** The head announces a body. */
export function hasBody({ chunked, contentLength }: RequestHead): boolean {
  return chunked || contentLength > 0;
}
