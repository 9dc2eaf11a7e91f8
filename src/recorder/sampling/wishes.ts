/** What workers are asked to write details of: somewhat more than is kept, so that there is something to choose from. */
import { RecorderWish } from "../../shared/memory/layout/history.ts";

/** Details for each row that is kept. */
const PER_ROW = 2;
/** Fewer than this in a second might by chance be none. */
const LEAST_DETAILS = 32;
const LEAST_BURST = 64;

/** Writes the wishes for the seconds to come. @param counts requests of the last second, by `DetailReason`. */
export function wish(wishes: Float64Array, maxRows: number, counts: readonly number[], slowMs: number): void {
  const wanted = maxRows === 0 ? 0 : Math.max(LEAST_DETAILS, PER_ROW * maxRows);
  for (const [reason, count] of counts.entries()) wishes[reason] = Math.min(1, wanted / Math.max(1, count));
  wishes[RecorderWish.SLOW_MS] = slowMs;
  wishes[RecorderWish.BURST] = Math.max(LEAST_BURST, maxRows);
}
