/**
 * Takes the header of the PROXY protocol off the front of a connection before anybody else reads from it, whoever the socket
 * belongs to: the kernel is asked what is there without taking it (MSG_PEEK, recv(2)), and exactly the header is taken then.
 * So TLS, which begins behind it, finds its first byte first.
 */
import { MAX_HEADER_BYTES, readProxyHeader } from "../../../shared/proxy-protocol/reader.ts";
import type { EventLoop, Watched } from "../event-loop.ts";
import { Errno, Kernel, type Libc } from "../libc.ts";
import { Timed } from "../timer-wheel.ts";
import type { HeaderTerms } from "./header-terms.ts";

/** Connections of one listener that wait for their header. A proxy sends it as soon as it has connected. */
const MAX_WAITING = 1024;
/** How often is looked where no event loop of ours tells, milliseconds. */
const POLL_MS = 5;
const WATCHED_EVENTS = Kernel.EPOLLIN | Kernel.EPOLLRDHUP | Kernel.EPOLLET;
const ENDED_EVENTS = Kernel.EPOLLRDHUP | Kernel.EPOLLHUP | Kernel.EPOLLERR;

const bytes = new Uint8Array(MAX_HEADER_BYTES);
const number = new Int32Array(1);
const length = new Uint32Array(1);

/** Who waits for a header. Exactly one of these is called, once, unless it is given up before. */
export interface HeaderUser {
  /** It is taken off. `address` is the client's; "" = the connection is the proxy's own. */
  onHeader(address: string): void;
  /** There is none. */
  onRefused(): void;
}

/** The waiting connections of one listener. */
export class HeaderWaits {
  readonly libc: Libc;
  /** Null where we have none of our own. */
  readonly loop: EventLoop | null;
  readonly terms: HeaderTerms;
  readonly now: () => number;
  waiting = 0;

  constructor(libc: Libc, loop: EventLoop | null, terms: HeaderTerms, now: () => number) {
    this.libc = libc;
    this.loop = loop;
    this.terms = terms;
    this.now = now;
  }

  /**
   * Waits for the header of a connection.
   * @param fd is not read from, and not watched by our loop, until the user hears of it.
   * @param address of the peer.
   * @returns what gives it up; the user may have heard of it before this returns.
   */
  begin(fd: number, address: string, user: HeaderUser): HeaderWait {
    const wait = new HeaderWait(this, fd, address, user);
    if (this.waiting > MAX_WAITING) wait.refuse(`is waited for by ${MAX_WAITING} others`);
    else wait.begin();
    return wait;
  }
}

/** One connection that waits. */
export class HeaderWait extends Timed implements Watched {
  readonly #waits: HeaderWaits;
  readonly #fd: number;
  readonly #address: string;
  readonly #user: HeaderUser;
  readonly idle = false;
  #over = false;
  #watched = false;
  #poll: ReturnType<typeof setTimeout> | undefined;

  constructor(waits: HeaderWaits, fd: number, address: string, user: HeaderUser) {
    super();
    this.#waits = waits;
    this.#fd = fd;
    this.#address = address;
    this.#user = user;
    waits.waiting++;
  }

  begin(): void {
    const { terms, now, loop } = this.#waits;
    this.#look(false);
    if (this.#over) return;
    terms.wheel.set(this, now() + terms.timeoutMs());
    if (loop === null) this.#pollLater();
    else if (loop.watch(this.#fd, WATCHED_EVENTS, this)) this.#watched = true;
    else this.refuse("cannot be waited for");
  }

  onEvent(mask: number): void {
    this.#look((mask & ENDED_EVENTS) !== 0);
  }

  override onDeadline(): void {
    this.refuse("did not come in time");
  }

  /** Nobody wants the connection any more. */
  giveUp(): void {
    this.#end();
  }

  /** The connection is closed, which the runtime that has the socket was the first to hear: its user knows it. */
  closed(): void {
    if (this.#end()) this.#waits.terms.onRefused(this.#address, "is missing: the connection ended");
  }

  refuse(reason: string): void {
    if (!this.#end()) return;
    this.#waits.terms.onRefused(this.#address, reason);
    this.#user.onRefused();
  }

  #pollLater(): void {
    this.#poll = setTimeout(() => {
      this.#look(!this.#isOpen());
      if (!this.#over) this.#pollLater();
    }, POLL_MS);
  }

  /** Whether the peer may still send something, as far as the kernel knows (TCP_INFO, tcp(7)). */
  #isOpen(): boolean {
    number[0] = 0;
    length[0] = 4; // of the structure only its first byte, the state, is of interest
    this.#waits.libc.call.getsockopt(this.#fd, Kernel.IPPROTO_TCP, Kernel.TCP_INFO, number, length);
    return (number[0] & 0xff) === Kernel.TCP_ESTABLISHED;
  }

  /** @param ended nothing comes behind what there is. */
  #look(ended: boolean): void {
    if (this.#over) return;
    const { libc } = this.#waits;
    const count = libc.call.recv(this.#fd, bytes, MAX_HEADER_BYTES, Kernel.MSG_PEEK | Kernel.MSG_DONTWAIT);
    if (count < 0) {
      const { errno } = libc;
      if (errno === Errno.EINTR) this.#look(ended);
      else if (errno !== Errno.EAGAIN) this.refuse("is missing: the connection broke");
      return;
    }
    if (count === 0) {
      this.refuse("is missing: the connection ended");
      return;
    }
    const reading = readProxyHeader(bytes.subarray(0, count));
    if (reading.kind === "malformed") this.refuse(reading.reason);
    else if (reading.kind === "header") this.#take(reading.length, reading.address);
    else if (ended) this.refuse("is cut off");
  }

  #take(count: number, address: string): void {
    const { libc } = this.#waits;
    // It was there a moment ago, and nobody else reads.
    const taken = libc.call.recv(this.#fd, bytes, count, Kernel.MSG_DONTWAIT);
    if (taken !== count) this.refuse("could not be read");
    else if (this.#end()) this.#user.onHeader(address);
  }

  /** @returns false when it is over already. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#waits.waiting--;
    this.#waits.terms.wheel.remove(this);
    clearTimeout(this.#poll);
    if (this.#watched) this.#waits.loop?.unwatch(this.#fd);
    return true;
  }
}
