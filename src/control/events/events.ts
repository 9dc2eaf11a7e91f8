/** Whom parts of the control plane tell what happened. */
import { LOCAL_ACTOR, OWN_ACTOR } from "../../shared/operations/audit.ts";
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
/** What the store says, as `actor`: its `servers` table, and what another instance has changed. */
export const STORE = "store";

/** Whoever asked at the admin port, as `actor`. @param client its address. */
export function adminActor(client: string): string {
  return client === "" ? "admin API" : `admin API (${client})`;
}

/** Who made a change, as `actor`. @param name as the audit has it. @param client its address; may be empty. */
export function changeActor(name: string, client: string): string {
  if (name === OWN_ACTOR) return BALANCER;
  return adminActor([name === LOCAL_ACTOR ? "" : name, client].filter((part) => part !== "").join(", "));
}

/** For parts that nobody listens to. */
export const NO_EVENTS: Events = { note: () => {} };
