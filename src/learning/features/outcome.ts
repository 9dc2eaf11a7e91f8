/** What features are made from: an attempt that ended. */
export interface Outcome {
  readonly slot: number;
  readonly serverId: number;
  readonly latencyMs: number;
  /** The server failed it. */
  readonly failed: boolean;
  /** At the server when the attempt was placed, without it. */
  readonly inFlight: number;
  /** When it ended, boot clock, milliseconds. */
  readonly atMs: number;
}
