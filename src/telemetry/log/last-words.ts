/** What nobody caught ends a process, after a line in its log that says where it came from. */
import type { Logger } from "./logger.ts";

/** Of this process, from now on. */
export function endOnUncaught(log: Logger): void {
  const end = (error: unknown): void => {
    log.error({ err: error }, "internal error that nobody caught: this process ends");
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
