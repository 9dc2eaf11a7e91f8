/** What a listener has to know where proxies say by the PROXY protocol whose connections they make. */
import type { TimerWheel } from "../timer-wheel.ts";

/** Of one listener. */
export interface HeaderTerms {
  /** Whether the peer at this address says it, and is believed. Whoever else connects is served as he comes. */
  readonly trusts: (address: string) => boolean;
  readonly wheel: TimerWheel;
  /** How long it may take until the header is there, milliseconds. */
  readonly timeoutMs: () => number;
  /** A connection of a trusted peer was refused. `reason` goes on from "its header of the PROXY protocol". */
  readonly onRefused: (address: string, reason: string) => void;
}
