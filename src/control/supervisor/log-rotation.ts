/**
 * Keeps the file of the access log within a size where nothing else does, as in a container: what is too large is moved aside,
 * in place of what was moved before, and workers begin a new file. So two files are there at most, of that size and what is
 * written in a second.
 */
import { lstatSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { InstancePart } from "./instance-part.ts";

/** What it is told. */
export interface LogRotationOptions {
  /** The configuration in force. */
  readonly settings: () => Pick<Config["log"], "access" | "accessFile" | "accessMaxBytes">;
  /** Has workers open the file by its name again. */
  readonly reopen: () => void;
  readonly log: Logger;
}

/** One instance's. */
export class LogRotation implements InstancePart {
  readonly #options: LogRotationOptions;
  /** Why the file could not be moved, as the log has it; `null` = it could, or did not have to. */
  #problem: string | null = null;

  constructor(options: LogRotationOptions) {
    this.#options = options;
  }

  tick(): void {
    const { access, accessFile, accessMaxBytes } = this.#options.settings();
    if (!access || accessFile === null || accessMaxBytes === 0) return;
    const file = resolve(accessFile);
    try {
      const found = lstatSync(file, { throwIfNoEntry: false });
      // Nothing but a file grows: pipes and terminals are somebody else's, and what a link leads to may be, too.
      if (found === undefined || !found.isFile() || found.size < accessMaxBytes) return;
      renameSync(file, `${file}.1`);
      this.#problem = null;
      this.#options.log.debug({ file, bytes: found.size }, "the file of the access log was moved to .1: it was full");
      this.#options.reopen();
    } catch (error) {
      this.#complain(file, (error as Error).message);
    }
  }

  /** Once for each reason: it is tried again every second. */
  #complain(file: string, problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.log.warn(
      { file, problem },
      "the file of the access log is larger than ACCESS_LOG_MAX_MEGABYTES and cannot be moved: it grows on",
    );
  }
}
