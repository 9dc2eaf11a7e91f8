/** A history that is kept nowhere, for tests of those who write or ask it. */
import { BufferedHistory } from "../../src/storage/buffered/history.ts";
import type { Later } from "../../src/storage/buffered/later.ts";
import type { HistoryLimits, HistoryStore } from "../../src/storage/history-store.ts";
import { historyInMemory } from "../../src/storage/sqlite/sqlite.ts";

const DAY_MS = 86_400_000;

/** Limits that no test comes near to. */
export const WIDE_LIMITS: HistoryLimits = Object.freeze({
  detailMs: 36_500 * DAY_MS,
  minutesMs: 36_500 * DAY_MS,
  hoursMs: 36_500 * DAY_MS,
  maxBytes: 1e12,
});

/** How it is made; what is left out does not matter. */
export interface MemoryHistoryOptions {
  readonly instance?: string;
  /** Milliseconds since the epoch. */
  readonly nowMs?: () => number;
  readonly limits?: HistoryLimits;
  readonly later?: Later;
}

/** Opens one. What was handed over is there after `flush`. */
export async function memoryHistory(options: MemoryHistoryOptions = {}): Promise<HistoryStore> {
  const { instance = "test", nowMs = Date.now, limits = WIDE_LIMITS, later } = options;
  const backend = historyInMemory({ instance, nowMs, limits, movedAside: () => {} });
  await backend.open();
  return new BufferedHistory({ backend, name: "memory", events: {}, nowMs, later });
}
