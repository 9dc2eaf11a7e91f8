/**
 * Where lines go: a descriptor that was given to us, or a file of our own, which is opened again when it was moved or
 * removed, or when somebody says so. Nothing here waits: requests are served meanwhile.
 */
import { close, constants, fstatSync, open, type Stats, stat } from "node:fs";

/** POSIX: a write to a pipe of at most this size is not mixed with another process's. */
const PIPE_ATOMIC_BYTES = 4096;
/**
 * Files are written to by several processes, each write at the end of what is there, and they are private to their group. A
 * named pipe that nobody reads cannot be opened, instead of keeping a thread for ever, and a full one is tried again.
 */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;
const MODE = 0o640;

/** What lines are written to. */
export interface LineTarget {
  /** -1 = it cannot be opened at present. */
  readonly fd: number;
  /** Bytes of one write that nobody else's are mixed with. */
  readonly maxWrite: number;
  /**
   * Sees to it that `fd` is the file of that name; to be called while nothing is written. Calls `done` when that is so, or
   * cannot be.
   * @param anew also when it seems to be.
   */
  look(anew: boolean, done: () => void): void;
  /** Lets go of it; nothing is called afterwards. */
  close(): void;
}

/** A descriptor that somebody else looks after, such as standard output. */
export class GivenTarget implements LineTarget {
  readonly fd: number;
  readonly maxWrite: number;

  constructor(fd: number) {
    this.fd = fd;
    this.maxWrite = isRegularFile(fd) ? Number.POSITIVE_INFINITY : PIPE_ATOMIC_BYTES;
  }

  look(_anew: boolean, done: () => void): void {
    done();
  }

  close(): void {}
}

/** A file by its name. */
export class FileTarget implements LineTarget {
  readonly #path: string;
  #fd = -1;
  #opened: Stats | null = null;
  #maxWrite = PIPE_ATOMIC_BYTES;
  #closed = false;

  /** @param path absolute. */
  constructor(path: string) {
    this.#path = path;
  }

  get fd(): number {
    return this.#fd;
  }

  get maxWrite(): number {
    return this.#maxWrite;
  }

  look(anew: boolean, done: () => void): void {
    if (anew || this.#fd < 0) {
      this.#open(done);
      return;
    }
    stat(this.#path, (error, present) => {
      // Who may not look any more may still write.
      const gone =
        error === null ? !isSame(present, this.#opened) : error.code === "ENOENT" || error.code === "ENOTDIR";
      if (gone) this.#open(done);
      else done();
    });
  }

  #open(done: () => void): void {
    open(this.#path, FLAGS, MODE, (error, fd) => {
      if (this.#closed) {
        if (error === null) close(fd, () => {});
        return;
      }
      // Of a file that is gone and cannot be made anew the old one is left too: nobody would ever see what goes there.
      this.#let();
      if (error === null) this.#take(fd);
      done();
    });
  }

  #take(fd: number): void {
    this.#fd = fd;
    try {
      this.#opened = fstatSync(fd);
    } catch {
      this.#opened = null;
    }
    this.#maxWrite = this.#opened?.isFile() ? Number.POSITIVE_INFINITY : PIPE_ATOMIC_BYTES;
  }

  #let(): void {
    if (this.#fd >= 0) close(this.#fd, () => {});
    this.#fd = -1;
    this.#opened = null;
  }

  close(): void {
    this.#closed = true;
    this.#let();
  }
}

function isSame(a: Stats, b: Stats | null): boolean {
  return b !== null && a.ino === b.ino && a.dev === b.dev;
}

function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}
