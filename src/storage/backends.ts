/** The backends that there are: to add one, its folder and a line here. Which of them is meant, the settings decide. */
import type { BackendKind } from "./backend.ts";
import { POSTGRES } from "./postgres/postgres.ts";
import { SQLITE } from "./sqlite/sqlite.ts";

/** By the `kind` of the places that each is for. */
const BACKENDS = { sqlite: SQLITE, postgres: POSTGRES } as const;

/**
 * Where a store is: a place of one of the kinds. One value, made from the configuration and handed on as it is, between
 * processes as JSON.
 */
export type StoreLocation = LocationOf<(typeof BACKENDS)[keyof typeof BACKENDS]>;

type LocationOf<Kind> = Kind extends BackendKind<infer Location> ? Location : never;

/** The backend for places of this kind. */
export function backendFor({ kind }: StoreLocation): BackendKind<StoreLocation> {
  return BACKENDS[kind];
}

/** What is learned is kept in when its place cannot be used: it forgets with the process. */
export { learningInMemory } from "./sqlite/sqlite.ts";
