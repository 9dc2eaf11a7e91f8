/** What every change takes beside what is to be changed: why, whether it lasts, and whether it is only to be tried. */
import { z } from "zod";
import { parseDuration, sayDuration } from "../../../config/values/units.ts";
import { MAX_REASON } from "../../../shared/operations/limits.ts";
import { describeRange, type Range } from "../../../shared/ranges.ts";

const CONTROL = /\p{Cc}/u;

/** Why somebody changes something: a line of text, kept in the audit. */
export const reasonSchema = z
  .string()
  .trim()
  .max(MAX_REASON, `must have at most ${MAX_REASON} characters`)
  .refine((text) => !CONTROL.test(text), { error: "must be one line without control characters" })
  .default("")
  .describe("why; kept in the audit");

const yesOrNo = (byDefault: boolean, says: string) =>
  z
    .enum(["true", "false"], { error: "must be true or false" })
    .default(byDefault ? "true" : "false")
    .transform((word) => word === "true")
    .describe(says);

/** The query of a change. */
export const changeQuery = z.strictObject({
  keep: yesOrNo(true, "false = for this run of this instance only"),
  dry_run: yesOrNo(false, "true = only say what would happen"),
  scope: z
    .enum(["cluster", "instance"], { error: "must be cluster or instance" })
    .optional()
    .describe(
      "instance = for this instance alone, where several share changes; cluster = for all of them, as it is unless said",
    ),
});

/** The query of a change that has no body. */
export const bodilessChangeQuery = changeQuery.extend({ reason: reasonSchema });

/** How a change is asked for. */
export type ChangeTerms = z.infer<typeof bodilessChangeQuery>;

/** The body of a change; what is not in `shape` is refused. */
export function changeBody<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject({ ...shape, reason: reasonSchema });
}

/** A number of that kind. */
export function numberIn(range: Range) {
  const error = `must be ${describeRange(range)}`;
  const number = range.whole ? z.int({ error }) : z.number({ error });
  return number.min(range.least, { error }).max(range.most, { error });
}

/** A length of time as people write it, read as milliseconds of that kind. */
export function durationIn({ least, most }: Range) {
  const message = `must be a duration from ${sayDuration(least)} to ${sayDuration(most)}: 90s, 15m`;
  return z.string().transform((text, context): number => {
    const ms = parseDuration(text)?.amount;
    if (ms !== undefined && ms >= least && ms <= most) return ms;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

const changed = z.boolean().describe("false = it is so already, and nothing is changed");

/** What a change that was only tried is answered with. */
const dryRunResponse = z
  .strictObject({
    dry_run: z.literal(true),
    action: z.string(),
    target: z.string(),
    before: z.unknown(),
    after: z.unknown(),
    changed,
    warnings: z.array(z.string()),
  })
  .meta({ id: "DryRun" });

/** What a change is answered with: the resource, with what the change brings with it that may not be meant, or what would happen. */
export function changeResponse(resource: z.ZodObject) {
  const warnings = z.array(z.string()).describe("what the change brings with it that may not be meant");
  return z.union([resource.extend({ changed, warnings }), dryRunResponse]);
}
