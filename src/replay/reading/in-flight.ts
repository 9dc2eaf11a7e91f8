/** How many requests each server had when it was given another one: counted where all requests are there. */
import type { RecordingRequests } from "../recording.ts";

/**
 * Writes `inFlight`: requests that were dispatched to the same server before and whose response had not begun. Requests
 * without a server keep -1.
 */
export function countInFlight(requests: RecordingRequests, servers: number): void {
  const { atMs, waitMs, latencyMs, server, inFlight } = requests;
  const byServer: number[][] = Array.from({ length: servers }, () => []);
  for (let i = 0; i < server.length; i++) if (server[i] >= 0) byServer[server[i]].push(i);
  for (const indices of byServer) {
    const dispatch = (i: number) => atMs[i] + waitMs[i];
    indices.sort((a, b) => dispatch(a) - dispatch(b));
    const ends = Float64Array.from(indices, (i) => dispatch(i) + latencyMs[i]).sort();
    let ended = 0;
    for (const [begun, i] of indices.entries()) {
      while (ended < begun && ends[ended] <= dispatch(i)) ended++;
      inFlight[i] = Math.min(begun - ended, 0x7fff);
    }
  }
}
