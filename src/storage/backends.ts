/** The backends that there are: to add one, its folder and a line here. */
import type { StoreLocation } from "../shared/store-location.ts";
import type { BackendKind } from "./backend.ts";
import { SQLITE } from "./sqlite/sqlite.ts";

type Kind = StoreLocation["kind"];

const BACKENDS: { readonly [K in Kind]: BackendKind<Extract<StoreLocation, { readonly kind: K }>> } = {
  sqlite: SQLITE,
};

/** The backend for places of this kind. */
export function backendFor({ kind }: StoreLocation): BackendKind<StoreLocation> {
  return BACKENDS[kind];
}

/** What a store is kept in when its place cannot be used: it forgets with the process. */
export { inMemory } from "./sqlite/sqlite.ts";
