/** Reads `?since=`: the same moments wherever it is asked for. */
import { z } from "zod";
import { MOMENT_FORMS, parseMoment } from "../../shared/moments.ts";
import { shortened } from "../../shared/shortened.ts";

/** Which forms are understood does not depend on when they are read: so late none is too long ago. */
const LATE_MS = Date.UTC(9999, 0);

/** As it stands in a query. */
export const sinceText = z
  .string()
  .refine((text) => parseMoment(text, LATE_MS) !== null, {
    error: ({ input }) => `${JSON.stringify(shortened(String(input), 40))} is no time; give ${MOMENT_FORMS}`,
  })
  .optional();

/** Milliseconds since the epoch; `null` = it is not asked for. @param nowMs milliseconds since the epoch. */
export function sinceMs(since: string | undefined, nowMs: number): number | null {
  return since === undefined ? null : (parseMoment(since, nowMs) ?? 0);
}
