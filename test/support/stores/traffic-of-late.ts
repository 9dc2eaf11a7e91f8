/** Recordings of simulated fleets as a store's traffic of late. */
import type { Recording } from "../../../src/replay/recording.ts";
import type { FakeHistory } from "../../unit/replay/reading/store/fake-history.ts";

/** Where it goes. */
export interface TrafficPlace {
  readonly pool: string;
  /** The end of the last second of it, milliseconds since the epoch. */
  readonly untilMs: number;
  /** `host:port` by server of the recording. */
  readonly servers: readonly string[];
}

/** Fills `history` with the requests of `recording`, balanced by the strategy that it names. */
export function haveHadTraffic(history: FakeHistory, recording: Recording, place: TrafficPlace): void {
  const { pool, untilMs, servers } = place;
  const { requests, durationMs, strategy } = recording;
  const startMs = untilMs - 1000 * Math.ceil(durationMs / 1000);
  for (let i = 0; i < requests.atMs.length; i++) {
    const failed = requests.failed[i] === 1;
    history.request({
      atMs: Math.floor(startMs + requests.atMs[i]),
      pool,
      server: servers[requests.server[i]],
      status: failed ? 502 : 200,
      error: failed ? "connect_refused" : "",
      headMs: requests.latencyMs[i],
      durationMs: requests.latencyMs[i],
      inFlight: requests.inFlight[i],
      requestId: String(i), // a store takes each once
    });
  }
  if (strategy === null) return;
  history.event({ atMs: startMs - 60_000, kind: "start", pool: "", detail: { strategies: { [pool]: strategy } } });
}
