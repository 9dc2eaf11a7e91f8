/** What is published of learned limits, as it is believed now: for whoever shows it. Workers go by balancing/holding/. */
import {
  HOLD_STATE_NAMES,
  type HoldStateName,
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  STALE_TABLE_MS,
} from "./layout/learning.ts";

/** Whether requests to a pool may be held; `stale` = the learner has said nothing of late, so that none is. */
export type ShownHoldState = HoldStateName | "stale";

/** All of them. */
export const SHOWN_HOLD_STATES = [...HOLD_STATE_NAMES, "stale"] as const satisfies readonly ShownHoldState[];

/** Whether what was published of a pool is young enough to be believed. @param nowMs boot clock, milliseconds. */
function isFresh({ figures }: Pick<LearnedTable, "figures">, nowMs: number): boolean {
  const publishedMs = figures[LearnerFigure.LIMITS_MS];
  return publishedMs > 0 && nowMs - publishedMs <= STALE_TABLE_MS;
}

/** How many requests at once the server `id` in `slot` works on; `null` = it has no limit that is believed. */
export function limitInForce(learned: LearnedTable, slot: number, id: number, nowMs: number): number | null {
  const { settledLimit, limitId } = learned;
  return isFresh(learned, nowMs) && limitId[slot] === id && settledLimit[slot] > 0 ? settledLimit[slot] : null;
}

/** How many instances have learned something of that, this one included; 0 = it has no limit that is believed. */
export function sourcesInForce(learned: LearnedTable, slot: number, id: number, nowMs: number): number {
  return limitInForce(learned, slot, id, nowMs) === null ? 0 : Math.max(1, learned.limitSources[slot]);
}

/** Whether requests to a pool may be held, of one whose limits are learned. @param nowMs boot clock, milliseconds. */
export function holdStateOf(learned: Pick<LearnedTable, "words" | "figures">, nowMs: number): ShownHoldState {
  if (!isFresh(learned, nowMs)) return "stale";
  return HOLD_STATE_NAMES[learned.words[LearnerWord.HOLD_STATE]] ?? "stale";
}
