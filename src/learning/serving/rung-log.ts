/** Says in the log whether the model routes: once when it does not, and once when it does again. */
import type { Logger } from "../../telemetry/log/logger.ts";

/** Why the model does not route before it had time to: no failure. */
export const NO_TABLE_YET = "no table was made yet";

/** One learner's. @returns what is to be told why the model does not route, at each look; empty when it does. */
export function rungLog(log: Pick<Logger, "info" | "warn">): (reason: string) => void {
  let isUsed = true;
  return (reason) => {
    if (reason === NO_TABLE_YET || (reason === "") === isUsed) return;
    isUsed = !isUsed;
    if (isUsed) log.info({}, "the model is used again");
    else log.warn({ why: reason }, "the model is not used");
  };
}
