/** A replay as JSON, for programs (docs/replay.md has the fields). */

import type { Recording } from "../../replay/recording.ts";
import type { ReplayResult } from "../../replay/result.ts";
import { isoMoment } from "../../shared/moments.ts";

/** Without the single requests. */
export function replayJson(recording: Recording, { notes: limits, ...result }: ReplayResult, notes: readonly string[]) {
  const { source, startMs, durationMs, strategy, servers, classes } = recording;
  return {
    recording: {
      source,
      since: isoMoment(startMs),
      until: isoMoment(startMs + durationMs),
      strategy,
      servers,
      classes,
      singleRequests: recording.requests.atMs.length,
    },
    notes: [...notes, ...limits],
    ...result,
  };
}
