/** Which strategy balanced a pool, from the events that say so. */
import type { EventKind, EventRow } from "../../../storage/history-store.ts";

/** Events that may say it. */
export const STRATEGY_EVENTS: readonly EventKind[] = ["start", "reload", "change"];

/** What is known. */
export interface StrategyThen {
  /** `null` = not known, or it changed on the way. */
  readonly name: string | null;
  /** A sentence where it is not known. */
  readonly note: string | null;
}

/**
 * The strategy of `pool` from `sinceMs` to `untilMs`.
 * @param events the newest first, from before `sinceMs` on.
 */
export function strategyThen(
  events: readonly EventRow[],
  pool: string,
  sinceMs: number,
  untilMs: number,
): StrategyThen {
  const seen = new Set<string>();
  for (const event of events) {
    if (event.atMs >= untilMs) continue;
    const name = strategyIn(event, pool);
    if (name === null) continue;
    seen.add(name);
    if (event.atMs <= sinceMs) break;
  }
  if (seen.size === 1) return { name: [...seen][0], note: null };
  if (seen.size === 0) return { name: null, note: "The store does not say which strategy ran: --ran tells it." };
  const names = [...seen].reverse().join(", then ");
  return { name: null, note: `The strategy was changed on the way: ${names}. Take a window in which it was not.` };
}

/** `strategies` by pool in the event's detail. */
function strategyIn({ detail }: EventRow, pool: string): string | null {
  if (typeof detail !== "object" || detail === null) return null;
  const { strategies } = detail as { strategies?: unknown };
  if (typeof strategies !== "object" || strategies === null || !Object.hasOwn(strategies, pool)) return null;
  const name = (strategies as Record<string, unknown>)[pool];
  return typeof name === "string" ? name : null;
}
