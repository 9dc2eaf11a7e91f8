/** What the supervisor can say of history without asking the recorder: the `history` of `GET /api/v1/status`. */

import { RecorderCounter } from "../../../shared/memory/layout/history.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { StoreLocation } from "../../../storage/backends.ts";
import { describeProcess } from "../sole-process.ts";
import type { Recorder } from "./recorder.ts";

/** Where it is read. */
export interface HistoryView {
  readonly memory: Pick<SharedMemory, "recorder">;
  readonly recorder: Pick<Recorder, "status" | "up">;
  /** Where the store is; `null` while history is off. */
  readonly location: StoreLocation | null;
  readonly journal: { readonly waiting: number; readonly dropped: number };
}

/** `null` while history is off. */
export function describeHistory({ memory, recorder, journal, location }: HistoryView) {
  const { status, up } = recorder;
  if (status === null || location === null) return null;
  const { counters } = memory.recorder;
  const degraded = counters[RecorderCounter.STORE_DEGRADED] === 1;
  return {
    up,
    store: {
      kind: location.kind,
      place: placeOf(location),
      state: storeState(status.state === "ready", degraded),
    },
    recorder: describeProcess(status, counters[RecorderCounter.RSS_BYTES]),
    requests: counters[RecorderCounter.REQUESTS],
    requests_lost: counters[RecorderCounter.REQUESTS_LOST],
    rows_written: counters[RecorderCounter.ROWS_WRITTEN],
    rows_waiting: counters[RecorderCounter.ROWS_WAITING],
    rows_dropped: counters[RecorderCounter.ROWS_DROPPED],
    write_errors: counters[RecorderCounter.WRITE_ERRORS],
    store_bytes: counters[RecorderCounter.STORE_BYTES],
    events_waiting: journal.waiting,
    events_dropped: journal.dropped,
  };
}

function storeState(isKnown: boolean, degraded: boolean): "unknown" | "degraded" | "ok" {
  return !isKnown ? "unknown" : degraded ? "degraded" : "ok";
}

/** A directory, or a server and its database: nothing of it is secret. What a backend needs beside it is its own business. */
function placeOf(location: StoreLocation): string {
  return location.kind === "sqlite" ? location.directory : `${location.host}:${location.port}/${location.database}`;
}
