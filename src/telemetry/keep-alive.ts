/** What a process of ours shows of itself in the shared memory, so that the supervisor sees that it is alive. */
import { droppedLogLines } from "./log/log-sink.ts";
import { processDescriptors } from "./process-descriptors.ts";

const HEARTBEAT_MS = 500;
/** Heartbeats between two looks at the open descriptors: counting many of them takes milliseconds. */
const LOOK_EVERY_BEATS = 10;

/** Where among its counters a process shows which. */
export interface LifeSigns {
  /** A number that changes while it is alive. */
  readonly heartbeat: number;
  readonly rssBytes: number;
  readonly logDropped: number;
  readonly descriptorsOpen: number;
}

/**
 * Beats from now on until the process ends.
 * @param looked told after each look at the open descriptors.
 */
export function keepAlive(
  counters: Float64Array,
  signs: LifeSigns,
  wallMs: () => number,
  looked: () => void = () => {},
): void {
  let beats = 0;
  let logDropped = 0;
  const beat = (): void => {
    counters[signs.heartbeat] = wallMs();
    counters[signs.rssBytes] = process.memoryUsage.rss();
    counters[signs.logDropped] += droppedLogLines() - logDropped;
    logDropped = droppedLogLines();
    if (beats++ % LOOK_EVERY_BEATS !== 0) return;
    counters[signs.descriptorsOpen] = processDescriptors.open() || 0;
    looked();
  };
  beat();
  setInterval(beat, HEARTBEAT_MS);
}
