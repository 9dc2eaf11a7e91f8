/**
 * Waits for events of our sockets, and of everything else in the process. The runtime has an event loop of its own; its
 * epoll instance is watched by ours like a socket (epoll instances nest, epoll(7)), so one wait serves both, and the
 * runtime gets its turn when it has something to do, or when the wait was in vain.
 */

import { drainMicrotasks } from "bun:jsc";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Errno, Kernel, type Libc, systemError } from "./libc.ts";

/** Something with a file descriptor that is waited for. */
export interface Watched {
  /** @param mask what epoll says is the case. */
  onEvent(mask: number): void;
  /** Its events are first: a connection that waits for its next use must not be taken while there is news of it. */
  readonly idle: boolean;
}

/** Events taken from one wait. */
const MAX_EVENTS = 512;
/** While sockets keep us busy, the runtime gets a turn (timers!) at least so often, milliseconds. */
const BUSY_MS = 5;
const URGENT_MS = 1;
/** So much longer than it would have waited for news, nothing was done: the process stood still, milliseconds. */
const STANDSTILL_MS = 15;
/** Words of `struct epoll_event`: packed on x86-64, aligned elsewhere. */
const STRIDE = process.arch === "x64" ? 3 : 4;
const DATA = STRIDE - 2;
/** Its data is the descriptor and which of those that had this number it is, so that no event goes to a later one. */
const RUNTIME_FD = -1;
/** Its event has been given. */
const DONE_FD = -2;

export class EventLoop {
  readonly #libc: Libc;
  readonly #epoll: number;
  readonly #events = new Int32Array(MAX_EVENTS * STRIDE);
  readonly #event = new Int32Array(STRIDE);
  readonly #watched: (Watched | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #now: () => number;
  readonly #slackMs: number;
  /** True while somebody waits for a timer of milliseconds. */
  isUrgent: () => boolean = () => false;
  /** Told that nothing was done from then until then (`now`), before any event of meanwhile is given. */
  onStandstill: (fromMs: number, untilMs: number) => void = () => {};
  /** When it had news last, or was told that there are none; and when all was done that came of them. */
  #heardMs = 0;
  #doneMs = 0;
  readonly #onError: (watched: Watched, error: unknown) => void;
  #later: Watched[] = [];
  #count = 0;
  #running = false;

  /**
   * @param slackMs how long the runtime's timers may be late, milliseconds; they are not when it `isUrgent`.
   * @param onError told what a handler threw.
   * Throws an `Error` when the system does not allow it.
   */
  constructor(libc: Libc, now: () => number, slackMs: number, onError: (watched: Watched, error: unknown) => void) {
    this.#libc = libc;
    this.#now = now;
    this.#slackMs = slackMs;
    this.#onError = onError;
    const runtime = runtimeEpoll();
    this.#epoll = libc.call.epoll_create1(Kernel.EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw systemError("epoll_create1", libc.errno);
    if (!this.#control(Kernel.EPOLL_CTL_ADD, runtime, Kernel.EPOLLIN, RUNTIME_FD, 0)) {
      throw systemError("epoll_ctl", libc.errno);
    }
  }

  /** Waits for `fd` too. @returns whether that could be done; if not, `errno` says why. */
  watch(fd: number, mask: number, watched: Watched): boolean {
    const use = ((this.#uses[fd] ?? 0) + 1) | 0;
    this.#uses[fd] = use;
    if (!this.#control(Kernel.EPOLL_CTL_ADD, fd, mask, fd, use)) return false;
    this.#watched[fd] = watched;
    this.#count++;
    if (!this.#running) {
      this.#running = true;
      this.#heardMs = this.#now();
      this.#doneMs = this.#heardMs;
      setImmediate(this.#turn);
    }
    return true;
  }

  /** Before `fd` is closed, which ends the watch in the kernel. */
  forget(fd: number): void {
    if (this.#watched[fd] === undefined) return;
    this.#watched[fd] = undefined;
    this.#uses[fd] = (this.#uses[fd] + 1) | 0;
    this.#count--;
  }

  /** Stops the watch of an `fd` that stays open. */
  unwatch(fd: number): void {
    this.forget(fd);
    this.#control(Kernel.EPOLL_CTL_DEL, fd, 0, 0, 0);
  }

  /** Gives `watched` an event without any news in the next turn: it has left something undone. */
  later(watched: Watched): void {
    this.#later.push(watched);
  }

  readonly #turn = (): void => {
    const until = this.#now() + BUSY_MS;
    for (;;) {
      const waitMs = this.#later.length > 0 ? 0 : this.isUrgent() ? URGENT_MS : this.#slackMs;
      const count = this.#libc.call.epoll_wait(this.#epoll, this.#events, MAX_EVENTS, waitMs);
      this.#hear(waitMs);
      const again = this.#dispatch(count);
      this.#runLater();
      drainMicrotasks();
      this.#doneMs = this.#now();
      if (!again || this.#doneMs >= until) break;
    }
    if (this.#count > 0) setImmediate(this.#turn);
    else this.#running = false;
  };

  /** There is news, or there is none after `waitMs`. */
  #hear(waitMs: number): void {
    const nowMs = this.#now();
    const heardMs = this.#heardMs;
    const mostMs = waitMs + STANDSTILL_MS;
    this.#heardMs = nowMs;
    if (nowMs - heardMs <= mostMs) return;
    // Told apart, because what was sent on the way from the one to the other has lost the latter alone.
    const doneMs = this.#doneMs;
    if (doneMs - heardMs > mostMs) this.onStandstill(heardMs, doneMs);
    if (nowMs - doneMs > mostMs) this.onStandstill(doneMs, nowMs);
  }

  /** @returns false when it is the runtime's turn. */
  #dispatch(count: number): boolean {
    const events = this.#events;
    const watched = this.#watched;
    let again = count > 0;
    this.#dispatchIdle(count);
    for (let i = 0, at = 0; i < count; i++, at += STRIDE) {
      const fd = events[at + DATA];
      if (fd === RUNTIME_FD) {
        again = false;
        continue;
      }
      if (fd === DONE_FD) continue;
      const who = watched[fd];
      if (who !== undefined && this.#uses[fd] === events[at + DATA + 1]) this.#give(who, events[at]);
    }
    return again;
  }

  #dispatchIdle(count: number): void {
    const events = this.#events;
    for (let i = 0, at = 0; i < count; i++, at += STRIDE) {
      const fd = events[at + DATA];
      const who = fd < 0 ? undefined : this.#watched[fd];
      if (who === undefined || !who.idle || this.#uses[fd] !== events[at + DATA + 1]) continue;
      events[at + DATA] = DONE_FD;
      this.#give(who, events[at]);
    }
  }

  #runLater(): void {
    if (this.#later.length === 0) return;
    const later = this.#later;
    this.#later = [];
    for (const who of later) this.#give(who, 0);
  }

  #give(who: Watched, mask: number): void {
    try {
      who.onEvent(mask);
    } catch (error) {
      this.#onError(who, error);
    }
  }

  #control(operation: number, fd: number, mask: number, data: number, use: number): boolean {
    const event = this.#event;
    event[0] = mask;
    event[DATA] = data;
    event[DATA + 1] = use;
    for (;;) {
      if (this.#libc.call.epoll_ctl(this.#epoll, operation, fd, event) === 0) return true;
      if (this.#libc.errno !== Errno.EINTR) return false;
    }
  }
}

/**
 * The descriptor of the runtime's own epoll instance: the one that watches a listener of the runtime.
 * Throws an `Error` when the system hides it.
 */
function runtimeEpoll(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  try {
    const { fd } = listener as unknown as { readonly fd: number };
    const watches = new RegExp(`^tfd: +${fd} `, "m");
    for (const name of readdirSync("/proc/self/fd")) {
      if (
        linkOf(name) === "anon_inode:[eventpoll]" &&
        watches.test(readFileSync(`/proc/self/fdinfo/${name}`, "latin1"))
      ) {
        return Number(name);
      }
    }
  } finally {
    listener.stop(true);
  }
  throw new Error("the runtime's event loop was not found in /proc/self/fd");
}

/** What a descriptor is; "" when it is gone by now. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return "";
  }
}
