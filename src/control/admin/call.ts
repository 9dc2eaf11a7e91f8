/** A request to the admin API after the door: who asks, and what was sent, checked. */
import { changeActor } from "../events/events.ts";
import { type Operator, operatorName } from "../operations/change.ts";

/** What may be done, from least to most: each scope includes those before it. `public` needs no token. */
export const SCOPES = ["public", "metrics", "read", "admin"] as const;
/** One of them. */
export type Scope = (typeof SCOPES)[number];

/** Does who has `given` have `needed`? */
export function includes(given: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(given) >= SCOPES.indexOf(needed);
}

/** Who asks; one without a client's address came through a worker. */
export interface Caller extends Operator {
  readonly scope: Scope;
}

/** Whoever came through the public port. */
export const PASSER_BY: Caller = { name: "", client: "", scope: "public" };

/** The instance itself, which asks all that it may tell. */
export const ITSELF: Caller = { name: "itself", client: "", scope: "admin" };

/** As `actor` of events: `admin API (deploy, 10.0.0.7)`. */
export function actorOf(caller: Caller): string {
  return changeActor(operatorName(caller), caller.client);
}

/** One request. */
export interface Call<Query = unknown, Body = unknown> {
  readonly request: Request;
  /** What stands in the path for `<…>`, in order, decoded. */
  readonly parts: readonly string[];
  /** As the operation's `query` read it. */
  readonly query: Query;
  /** As the operation's `body` read it. */
  readonly body: Body;
  readonly caller: Caller;
  /** Asks the instance itself, as an admin: for what is put together of other answers. Never rejects. */
  readonly askItself: (path: string, signal: AbortSignal) => Promise<Response>;
}
