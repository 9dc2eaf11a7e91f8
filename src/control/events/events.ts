/** Whom parts of the control plane tell what happened. */
import type { EventRow } from "../../storage/history-store.ts";

/** Something that happened; what is left out is now, of the whole instance, without a server, done by the balancer itself. */
export type NotedEvent = Pick<EventRow, "kind" | "message"> &
  Partial<Pick<EventRow, "atMs" | "pool" | "server" | "address" | "actor" | "detail">>;

/** Each thing that happens is noted once. Never throws, and never waits. */
export interface Events {
  note(event: NotedEvent): void;
}

/** The balancer itself, as `actor`. */
export const BALANCER = "balancer";
/** Who reads the configuration again, as `actor`. */
export const OPERATOR_SIGNAL = "SIGHUP";
/** Names that mean other addresses now, as `actor`. */
export const DISCOVERY = "discovery";
/** The `servers` table of the store, as `actor`. */
export const STORE = "store";

/** Whoever asked at the admin port, as `actor`. @param client its address. */
export function adminActor(client: string): string {
  return client === "" ? "admin API" : `admin API (${client})`;
}

/** For parts that nobody listens to. */
export const NO_EVENTS: Events = { note: () => {} };
