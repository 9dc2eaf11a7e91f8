/** The two clocks of the control plane. */

/** Passed in, so that tests own the time. */
export interface ControlClock {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Since the epoch, milliseconds. */
  wallMs(): number;
}
