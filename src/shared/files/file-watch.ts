/** Notices that files were replaced, by looking: notifications get lost on network and container file systems. */
import { statSync } from "node:fs";

export class FileWatch {
  #paths: readonly string[];
  #seen: string;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
    this.#seen = signature(paths);
  }

  /** Watches other files from now on, as they are now. */
  watch(paths: readonly string[]): void {
    this.#paths = paths;
    this.#seen = signature(paths);
  }

  /** True when a file differs from what it was when this last returned true, or at the start. */
  changed(): boolean {
    const now = signature(this.#paths);
    if (now === this.#seen) return false;
    this.#seen = now;
    return true;
  }
}

/** Links are followed: secrets of Kubernetes are swapped by changing a link. A file that is missing is a state too. */
function signature(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? "-" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
    })
    .join("|");
}
