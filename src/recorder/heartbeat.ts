/** What the recorder shows of itself in the shared memory, so that the supervisor sees that it is alive. */
import { RecorderCounter } from "../shared/memory/history-layout.ts";
import { droppedLogLines } from "../telemetry/log/log-sink.ts";
import { processDescriptors } from "../telemetry/process-descriptors.ts";

const HEARTBEAT_MS = 500;
/** Heartbeats between two looks at the open descriptors: counting many of them takes milliseconds. */
const LOOK_EVERY_BEATS = 10;

/** Beats from now on until the process ends. */
export function keepAlive(counters: Float64Array, wallMs: () => number): void {
  let beats = 0;
  let logDropped = 0;
  const beat = (): void => {
    counters[RecorderCounter.HEARTBEAT] = wallMs();
    counters[RecorderCounter.RSS_BYTES] = process.memoryUsage.rss();
    counters[RecorderCounter.LOG_DROPPED] += droppedLogLines() - logDropped;
    logDropped = droppedLogLines();
    if (beats++ % LOOK_EVERY_BEATS === 0) counters[RecorderCounter.DESCRIPTORS_OPEN] = processDescriptors.open() || 0;
  };
  beat();
  setInterval(beat, HEARTBEAT_MS);
}
