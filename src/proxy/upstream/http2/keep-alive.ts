/**
 * Whether a server is still there. A connection that everybody uses and nobody answers on would cost one request after the
 * other its time, so a silence that was too long for a request is looked into at once. Otherwise PINGs are seldom: servers of
 * gRPC end connections that ask more often than every five minutes.
 */

/** So long may a connection with requests be silent, milliseconds: five minutes and a little. */
export const KEEP_ALIVE_MS = 305_000;
/** So long may an answer take. */
export const PING_TIMEOUT_MS = 5_000;

/** What the PING says that we know it by. */
export const PING_BYTES: Uint8Array = new TextEncoder().encode("neurabal");

/** One connection's. */
export class KeepAlive {
  /** Monotonic milliseconds when something came last. */
  heardMs: number;
  /** A PING is under way. */
  isAsking = false;
  /** A request has waited in vain: nothing is sent there until the server shows itself. */
  isSuspect = false;

  constructor(nowMs: number) {
    this.heardMs = nowMs;
  }

  /** Something came. */
  heard(nowMs: number): void {
    this.heardMs = nowMs;
    this.isAsking = false;
    this.isSuspect = false;
  }
}
