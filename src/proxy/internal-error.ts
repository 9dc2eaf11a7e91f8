/** What should not have happened. */
import { WorkerCounter } from "../shared/memory/layout/worker-counters.ts";
import type { Logger } from "../telemetry/log/logger.ts";

/** Counts and logs an exception. */
export function internalError(ctx: { readonly counters: Float64Array; readonly log: Logger }, error: unknown): void {
  ctx.counters[WorkerCounter.INTERNAL_ERRORS]++;
  ctx.log.error({ err: error }, "internal error: one connection was ended");
}
