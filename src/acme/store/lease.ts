/**
 * One order at a time, of all instances that share the directory: a file that its holder touches while it orders. It has no need of
 * locks that network file systems do not have; whoever dies is waited for a while.
 */
import { rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateDirectory, readPrivateFile } from "./private-file.ts";

/** Touched by its holder so often. */
const TOUCH_MS = 10_000;
/** A holder that has not touched it for so long is gone. */
const STALE_MS = 60_000;

/** The one of a directory. */
export class Lease {
  readonly #directory: string;
  readonly #path: string;
  readonly #holder: string;
  readonly #wallMs: () => number;
  readonly #isGone: (holder: string) => boolean;
  #touching: Timer | null = null;

  /**
   * @param holder tells holders apart.
   * @param isGone is one known to be gone? Others are waited for.
   */
  constructor(directory: string, holder: string, wallMs: () => number, isGone: (holder: string) => boolean) {
    this.#directory = directory;
    this.#path = join(directory, "order.lock");
    this.#holder = holder;
    this.#wallMs = wallMs;
    this.#isGone = isGone;
  }

  /** @returns false while another one has it. Throws what the system says of the directory. */
  take(): boolean {
    makePrivateDirectory(this.#directory);
    if (!this.#make()) {
      if (this.#isHeld()) return false;
      rmSync(this.#path, { force: true });
      if (!this.#make()) return false;
    }
    this.#touching = setInterval(() => this.#touch(), TOUCH_MS);
    return true;
  }

  /** Lets go of it, if it is still ours. Never throws. */
  release(): void {
    if (this.#touching === null) return;
    clearInterval(this.#touching);
    this.#touching = null;
    try {
      if (readPrivateFile(this.#path) === this.#holder) rmSync(this.#path, { force: true });
    } catch {
      // The directory cannot be used: who comes later waits until nobody has touched it for a while.
    }
  }

  #isHeld(): boolean {
    const touchedMs = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs;
    const holder = readPrivateFile(this.#path);
    if (touchedMs === undefined || holder === null || holder === this.#holder || this.#isGone(holder)) return false;
    return Math.abs(this.#wallMs() - touchedMs) < STALE_MS;
  }

  #make(): boolean {
    try {
      writeFileSync(this.#path, this.#holder, { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      rmSync(this.#path, { force: true }); // there was no room for the name: an empty one would be somebody else's
      throw error;
    }
  }

  #touch(): void {
    const seconds = this.#wallMs() / 1000;
    try {
      utimesSync(this.#path, seconds, seconds);
    } catch {
      // Somebody took it for left behind: the CA makes two certificates of it, no more.
    }
  }
}
