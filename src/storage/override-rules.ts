/** When what was set in a store's `servers` table loses to the configuration: the same in every backend. */
import type { KnownServer, ServerRow } from "./history-store.ts";

/** A weight and a capacity as somebody has them configured. */
export type Configured = Pick<KnownServer, "weight" | "capacity">;

/** What is known of who has a server configured, where several instances share the store. */
export interface ConfiguredBy {
  /** What this instance had configured the last time; unset = that is not known. */
  readonly own?: Configured;
  /** What others that are alive have. */
  readonly others: readonly Configured[];
}

/** All of the store is one instance's: what it had the last time stands in the row. */
const ALONE: ConfiguredBy = { others: [] };

/**
 * Which of a server's overrides are undone, because the configured value beside them is another by now; `null` = none. Where
 * instances have different values, that is no change: nothing is undone before one of them has another than it had.
 */
export function undoneOverrides(
  before: ServerRow,
  now: KnownServer,
  { own, others }: ConfiguredBy = ALONE,
): { readonly weight: boolean; readonly capacity: boolean } | null {
  const isOther = (name: keyof Configured, beside: number): boolean => {
    if (before[name] === null || beside === now[name]) return false;
    if (own !== undefined) return own[name] !== now[name];
    return others.every((other) => other[name] !== beside);
  };
  const weight = isOther("weight", before.configuredWeight);
  const capacity = isOther("capacity", before.configuredCapacity);
  return weight || capacity ? { weight, capacity } : null;
}
