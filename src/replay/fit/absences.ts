/**
 * When a server was not to be asked, where nobody says so: it failed, and then nothing came to it for a long time; or nothing
 * came for so long that no strategy can have meant it.
 */
import type { Absence } from "../fleet.ts";
import type { Recording } from "../recording.ts";
import type { ServerLog } from "./server-log.ts";

/** Silence after failures, and any silence, that is an absence: in mean gaps between requests, and at least so many milliseconds. */
const AFTER_FAILURES = { gaps: 20, leastMs: 1000 };
const ANY = { gaps: 200, leastMs: 4000 };
/** So many requests before the silence failed: a server that hangs now and then is not asked for a while by some strategies. */
const LOOK_BACK = 3;
/** The last request before an absence was still sent. */
const LEAST_MS = 1e-3;

/** Those of the recording, and those that the silence of a server tells of. */
export function fitAbsences(recording: Recording, server: number, log: ServerLog): Absence[] {
  const given = recording.absences.filter((absence) => absence.server === server);
  const found: Absence[] = given.map(({ fromMs, toMs }) => ({ fromMs, toMs }));
  const { sentMs, failed } = log;
  const meanGapMs = recording.durationMs / Math.max(1, sentMs.length);
  for (let i = 0; i < sentMs.length; i++) {
    const toMs = i + 1 < sentMs.length ? sentMs[i + 1] : recording.durationMs;
    const gapMs = toMs - sentMs[i];
    const { gaps, leastMs } =
      i + 1 >= LOOK_BACK && !failed.subarray(i + 1 - LOOK_BACK, i + 1).includes(0) ? AFTER_FAILURES : ANY;
    if (gapMs < Math.max(leastMs, gaps * meanGapMs)) continue;
    const known = given.some((absence) => absence.fromMs < toMs && absence.toMs > sentMs[i]);
    if (!known) found.push({ fromMs: sentMs[i] + LEAST_MS, toMs });
  }
  return found.sort((a, b) => a.fromMs - b.fromMs);
}
