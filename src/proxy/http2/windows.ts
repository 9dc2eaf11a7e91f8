/** Flow control (RFC 9113 section 5.2): how much may be sent, and how much we let the peer send. */
import { MAX_31_BITS } from "./frames/layout.ts";

/** What we may send: of a stream, or of a connection. */
export class SendWindow {
  /** Bytes; below zero when the peer has made its windows smaller meanwhile (RFC 9113 section 6.9.2). */
  available: number;

  constructor(bytes: number) {
    this.available = bytes;
  }

  /** `bytes` are sent. */
  take(bytes: number): void {
    this.available -= bytes;
  }

  /**
   * The peer gives more, or takes some back.
   * @returns false when there would be more than a window can have: FLOW_CONTROL_ERROR.
   */
  add(bytes: number): boolean {
    if (this.available + bytes > MAX_31_BITS) return false;
    this.available += bytes;
    return true;
  }
}

/**
 * What the peer may send: of a stream, or of a connection. What has come is given back when it is out of our memory, and
 * the peer is told in as few frames as keep it going.
 */
export class ReceiveWindow {
  /** What it is when nothing of it is in use, bytes. */
  readonly #size: number;
  /** Bytes that the peer may still send. */
  #available: number;
  /** Bytes that are done with, and of which the peer was not told. */
  #returned = 0;

  constructor(size: number) {
    this.#size = size;
    this.#available = size;
  }

  /** As it was at first: for another stream. */
  renew(): void {
    this.#available = this.#size;
    this.#returned = 0;
  }

  /** Bytes that have come and are not done with. */
  get held(): number {
    return this.#size - this.#available - this.#returned;
  }

  /** `bytes` have come. @returns false when the peer was not allowed to send them: FLOW_CONTROL_ERROR. */
  receive(bytes: number): boolean {
    this.#available -= bytes;
    return this.#available >= 0;
  }

  /**
   * `bytes` of what came are done with.
   * @returns what the peer is to be told by WINDOW_UPDATE now; 0 = that can wait, because it has half a window at least.
   */
  giveBack(bytes: number): number {
    this.#returned += bytes;
    if (this.#returned < this.#size / 2) return 0;
    const increment = this.#returned;
    this.#returned = 0;
    this.#available += increment;
    return increment;
  }
}
