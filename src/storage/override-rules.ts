/** When what was set in a store's `servers` table loses to the configuration: the same in every backend. */
import type { KnownServer, ServerRow } from "./history-store.ts";

/** Which of a server's overrides are undone, because the configured value beside them is another by now; `null` = none. */
export function undoneOverrides(
  before: ServerRow,
  now: KnownServer,
): { readonly weight: boolean; readonly capacity: boolean } | null {
  const weight = before.weight !== null && before.configuredWeight !== now.weight;
  const capacity = before.capacity !== null && before.configuredCapacity !== now.capacity;
  return weight || capacity ? { weight, capacity } : null;
}
