/**
 * Whose a folder is: flock(2) on a file in it. The kernel lets go of it when the process ends, however it does, and it is
 * asked without waiting.
 */
import { dlopen } from "bun:ffi";
import { type FileHandle, open } from "node:fs/promises";

const FUNCTIONS = { flock: { args: ["i32", "i32"], returns: "i32" } } as const;
const NAMES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"],
  darwin: ["libSystem.B.dylib"],
};
const EXCLUSIVE = 2;
const WITHOUT_WAITING = 4;

let flock: ((fd: number, operation: number) => number) | null | undefined;

/** `null` where there is no such call. */
function findFlock(): typeof flock {
  for (const name of NAMES[process.platform] ?? []) {
    try {
      return dlopen(name, FUNCTIONS).symbols.flock;
    } catch {
      // the next name
    }
  }
  return null;
}

export class FileLock {
  readonly #path: string;
  #file: FileHandle | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns false when another process has it. Rejects with the file system's error. */
  async take(): Promise<boolean> {
    if (this.#file !== null) return true;
    const file = await open(this.#path, "a", 0o600);
    flock ??= findFlock();
    if (flock !== null && flock !== undefined && flock(file.fd, EXCLUSIVE | WITHOUT_WAITING) !== 0) {
      await file.close();
      return false;
    }
    this.#file = file;
    return true;
  }

  async release(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}
