import type { Recording } from "../recording.ts";

/** What was recorded of one server: its requests as columns, in the order in which they were sent there. */
export interface ServerLog {
  /** Number of the request in the recording. */
  readonly request: Int32Array;
  readonly sentMs: Float64Array;
  readonly doneMs: Float64Array;
  readonly class: Int16Array;
  readonly failed: Uint8Array;
  /** At the server when it was sent, without it; -1 = not known. */
  readonly inFlight: Int16Array;
  readonly weight: Float32Array;
}

/** The requests of every server. */
export function serverLogs({ servers, requests }: Recording): ServerLog[] {
  const members: number[][] = servers.map(() => []);
  for (let i = 0; i < requests.atMs.length; i++) if (requests.server[i] >= 0) members[requests.server[i]].push(i);
  return members.map((numbers) => {
    const sentAt = (i: number): number => requests.atMs[i] + requests.waitMs[i];
    const request = Int32Array.from(numbers).sort((a, b) => sentAt(a) - sentAt(b) || a - b);
    const column = <T extends Int16Array | Uint8Array | Float32Array>(from: T, to: T): T => {
      for (let i = 0; i < request.length; i++) to[i] = from[request[i]];
      return to;
    };
    const sentMs = Float64Array.from(request, sentAt);
    return {
      request,
      sentMs,
      doneMs: Float64Array.from(request, (i, at) => sentMs[at] + requests.latencyMs[i]),
      class: column(requests.class, new Int16Array(request.length)),
      failed: column(requests.failed, new Uint8Array(request.length)),
      inFlight: column(requests.inFlight, new Int16Array(request.length)),
      weight: column(requests.weight, new Float32Array(request.length)),
    };
  });
}

/** The numbers (in the log) of what was served, in the order in which it was done. */
export function completions(log: ServerLog): Int32Array {
  const served = Int32Array.from({ length: log.request.length }, (_, i) => i).filter((i) => log.failed[i] === 0);
  return served.sort((a, b) => log.doneMs[a] - log.doneMs[b] || a - b);
}
