/**
 * One side of a proxied connection: a socket, the bytes that it did not take yet, and a deadline. Client connections and
 * upstream connections are both channels, so that back-pressure is written once.
 */
import type { RawSocket, SocketUser } from "./raw-socket.ts";
import { isBorrowed } from "./receive-memory.ts";
import { freeMemory, isWorthFreeing } from "./spare-memory.ts";
import { Timed, type TimerWheel } from "./timer-wheel.ts";

/** Bytes that wait. */
interface Queued {
  readonly bytes: Uint8Array;
  /** Their memory is free once they are sent. */
  readonly last: boolean;
}

export abstract class Channel extends Timed {
  /** Null before there is one, and once it is let go of. */
  socket: RawSocket | null;
  protected readonly wheel: TimerWheel;
  /** Bytes that the socket has not taken, in order; null when there are none (the usual case). */
  #queue: Queued[] | null = null;
  #queueOffset = 0;
  /** Bytes in the queue. */
  queuedBytes = 0;
  /** Reading is paused. */
  paused = false;
  /**
   * Nothing can be sent any more: a write said -1, or the socket is let go of. What the peer sent before may still be on
   * its way to us; the socket reports its end.
   */
  gone = false;
  /** We have sent FIN: when the peer's FIN comes then, that is no end but the socket is closed. */
  protected sendingEnded = false;

  constructor(socket: RawSocket | null, wheel: TimerWheel) {
    super();
    this.socket = socket;
    this.wheel = wheel;
  }

  /**
   * Sends `data[start … end)` in order after what is queued.
   * @param owned the memory will not be reused: what is left over may be kept without a copy.
   * @returns false when the peer is gone. Look at `queuedBytes` to see whether it took everything.
   */
  send(data: Uint8Array, start: number, end: number, owned: boolean): boolean {
    return this.#send(data, start, end, owned, false);
  }

  /** As `send`, for a packet that nobody looks at any more: it may be empty afterwards, its memory used again. */
  sendAway(packet: Uint8Array, start: number, end: number): boolean {
    return this.#send(packet, start, end, true, isWorthFreeing(packet));
  }

  #send(data: Uint8Array, start: number, end: number, owned: boolean, last: boolean): boolean {
    if (this.gone || this.socket === null) return false;
    const length = end - start;
    if (this.#queue !== null) {
      this.#enqueue(data, start, end, owned, last);
      return true;
    }
    const taken = this.socket.write(data, start, length);
    if (taken === length) {
      if (last) freeMemory(data);
      return true;
    }
    // -1 means that the peer is gone; read as back-pressure it would park this connection for ever.
    if (taken < 0) {
      this.gone = true;
      return false;
    }
    this.#enqueue(data, start + taken, end, owned, last);
    return true;
  }

  /** The socket has room again. Returns false when the peer is gone. */
  flush(): boolean {
    const queue = this.#queue;
    if (queue === null || this.socket === null) return !this.gone;
    while (queue.length > 0) {
      const { bytes, last } = queue[0];
      const length = bytes.length - this.#queueOffset;
      const taken = this.socket.write(bytes, this.#queueOffset, length);
      if (taken < 0) {
        this.gone = true;
        this.dropQueue();
        return false;
      }
      this.queuedBytes -= taken;
      if (taken < length) {
        this.#queueOffset += taken;
        return true;
      }
      if (last) freeMemory(bytes);
      queue.shift();
      this.#queueOffset = 0;
    }
    this.#queue = null;
    return true;
  }

  /** There may be bytes, or an end, that were not read yet. */
  get unread(): boolean {
    return this.socket?.unread === true;
  }

  dropQueue(): void {
    this.#queue = null;
    this.#queueOffset = 0;
    this.queuedBytes = 0;
  }

  /** Sends FIN: this side writes nothing more and goes on reading. */
  endSending(): void {
    this.sendingEnded = true;
    if (!this.gone) this.socket?.shutdown();
  }

  pauseReading(): void {
    if (!this.paused && this.socket !== null) {
      this.paused = true;
      this.socket.pause();
    }
  }

  resumeReading(): void {
    if (this.paused) {
      this.paused = false;
      this.socket?.resume();
    }
  }

  /**
   * Lets go of the socket, and with it of its descriptor: whatever ends a connection ends it here, also when the socket
   * has reported its own end (to close it twice does no harm).
   * @param inOrder let what was written reach the peer; else the connection is reset.
   */
  protected letGo(inOrder: boolean): void {
    const { socket } = this;
    this.socket = null;
    this.gone = true;
    this.dropQueue();
    this.wheel.remove(this);
    if (inOrder) socket?.end();
    else socket?.terminate();
  }

  /** Gives the socket to `user`, who has it alone from here on. Nothing may be queued. */
  protected handOver(socket: RawSocket, user: SocketUser): void {
    this.socket = null;
    this.gone = true;
    this.wheel.remove(this);
    socket.passTo(user);
  }

  #enqueue(data: Uint8Array, start: number, end: number, owned: boolean, last: boolean): void {
    const left = data.subarray(start, end);
    // A new array, for `slice` of a Buffer is no copy: the memory would soon hold another connection's bytes.
    const kept = owned && !isBorrowed(left);
    const bytes = kept ? left : new Uint8Array(left);
    const queued = { bytes, last: kept ? last : isWorthFreeing(bytes) };
    if (this.#queue === null) {
      this.#queue = [queued];
      this.#queueOffset = 0;
    } else {
      this.#queue.push(queued);
    }
    this.queuedBytes += bytes.length;
  }
}
