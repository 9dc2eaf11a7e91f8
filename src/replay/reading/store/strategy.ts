/** Which strategy balanced a pool, from the events that say so. */
import type { EventKind, EventRow } from "../../../storage/history-store.ts";

/** Events that may say it. */
export const STRATEGY_EVENTS: readonly EventKind[] = ["start", "reload", "change"];

/** So many of them are read: the newest. */
export const MAX_EVENTS = 10_000;

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
    const said = strategyIn(event, pool);
    if (said === null) continue;
    seen.add(said.to);
    if (event.atMs <= sinceMs) break;
    if (said.from !== null) seen.add(said.from);
  }
  if (seen.size === 1) return { name: [...seen][0], note: null };
  if (seen.size === 0) return { name: null, note: "The store does not say which strategy ran: --ran tells it." };
  const names = [...seen].reverse().join(", then ");
  return { name: null, note: `The strategy was changed on the way: ${names}. Take a window in which it was not.` };
}

/**
 * Since when the strategy that balances `pool` before `untilMs` has done so without a change; `sinceMs` if for longer, or if nobody
 * says.
 * @param events the newest first, from before `sinceMs` on.
 */
export function strategySince(events: readonly EventRow[], pool: string, sinceMs: number, untilMs: number): number {
  let name: string | null = null;
  let begunMs = sinceMs;
  for (const event of events) {
    if (event.atMs >= untilMs) continue;
    const said = strategyIn(event, pool);
    if (said === null) continue;
    name ??= said.to;
    if (said.to !== name) return begunMs;
    if (event.atMs <= sinceMs) return sinceMs;
    begunMs = event.atMs;
    if (said.from !== null && said.from !== name) return begunMs;
  }
  return sinceMs;
}

/** `strategies` by pool, of an instance that starts; `strategy` with `from` and `to`, of a pool's that is changed. */
function strategyIn({ pool: of, detail }: EventRow, pool: string): { from: string | null; to: string } | null {
  const { strategies, strategy } = fieldsOf(detail);
  const started = fieldsOf(strategies)[pool];
  if (typeof started === "string") return { from: null, to: started };
  const { from, to } = fieldsOf(strategy);
  if (of !== pool || typeof to !== "string") return null;
  return { from: typeof from === "string" ? from : null, to };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { __proto__: null, ...value } : {};
}
