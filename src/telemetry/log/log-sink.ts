/**
 * Where the process's own log goes. A line is written at once or lost: a full disk, a closed pipe, or a reader that
 * stands still must not stop the process (health checks and requests wait for nobody's log). What is lost is counted.
 */
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { ownLogDescriptor } from "./own-descriptor.ts";

let dropped = 0;
let failing = false;
/** Descriptors as they were opened without blocking: once for the process, however often its logger is replaced. */
const opened = new Map<number, number>();

/** Lines of this process's log that could not be written. */
export function droppedLogLines(): number {
  return dropped;
}

/** True when the last line could not be written. */
export function isLogFailing(): boolean {
  return failing;
}

export class LogSink {
  readonly #fd: number;
  /** The last line was written in part: the next one begins on a line of its own. */
  #torn = false;

  constructor(fd: number) {
    const isOwn = fd === ownLogDescriptor();
    this.#fd = (isOwn ? opened.get(fd) : undefined) ?? withoutWaiting(fd);
    if (isOwn) opened.set(fd, this.#fd);
  }

  write(line: string): void {
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#fd, bytes, at);
      this.#torn = false;
      failing = false;
    } catch {
      this.#torn ||= at > 0;
      dropped++;
      failing = true;
    }
  }
}

/**
 * A pipe is opened a second time, without blocking: to set the flag on the given descriptor would set it for every
 * process that shares the pipe. Sockets cannot be opened like that, and files never block.
 */
function withoutWaiting(fd: number): number {
  try {
    if (!fstatSync(fd).isFIFO()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return fd;
  }
}
