/** What lives as long as an instance, beside its fleets, workers and processes. */

/** A part. It is made before there are workers, and must not wait for them. */
export interface InstancePart {
  /** Workers serve. Never throws. */
  start?(): void;
  /** About once a second. Never throws. @param nowMs monotonic, milliseconds. */
  tick?(nowMs: number): void;
  /** The instance ends. Never rejects. */
  stop?(): Promise<void> | void;
}
