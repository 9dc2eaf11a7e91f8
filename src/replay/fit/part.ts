import type { Recording } from "../recording.ts";
import { firstFrom } from "../simulate/figures.ts";

const SECOND_MS = 1000;

/** What arrived from `fromMs` on, before `toMs`, as a recording of its own. */
export function part(recording: Recording, fromMs: number, toMs: number): Recording {
  const { requests, classes } = recording;
  const from = firstFrom(requests.atMs, fromMs);
  const to = firstFrom(requests.atMs, toMs);
  // Arrivals are counted by the second: a part begins with one.
  const firstSecond = Math.round(fromMs / SECOND_MS);
  const lastSecond = Math.round(toMs / SECOND_MS);
  return {
    ...recording,
    startMs: recording.startMs + fromMs,
    durationMs: toMs - fromMs,
    requests: {
      atMs: requests.atMs.slice(from, to).map((ms) => ms - fromMs),
      server: requests.server.slice(from, to),
      class: requests.class.slice(from, to),
      latencyMs: requests.latencyMs.slice(from, to),
      waitMs: requests.waitMs.slice(from, to),
      failed: requests.failed.slice(from, to),
      inFlight: requests.inFlight.slice(from, to),
      weight: requests.weight.slice(from, to),
    },
    arrivals: recording.arrivals?.slice(firstSecond * classes.length, lastSecond * classes.length) ?? null,
    absences: recording.absences
      .filter((absence) => absence.toMs > fromMs && absence.fromMs < toMs)
      .map(({ server, ...absence }) => ({
        server,
        fromMs: Math.max(0, absence.fromMs - fromMs),
        toMs: Math.min(toMs, absence.toMs) - fromMs,
      })),
  };
}
