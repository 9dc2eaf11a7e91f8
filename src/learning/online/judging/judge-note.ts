/** The judges' state as the store gives it back: of another version of the product, perhaps, or of a damaged file. */
import { z } from "zod";
import type { JudgeState } from "../../judge/judge.ts";

const version = z.int().min(-1);
/** Of whatever the judges wait for: a year at most. */
const waitMs = z
  .number()
  .min(0)
  .max(365 * 24 * 3600 * 1000);

const schema: z.ZodType<JudgeState> = z.object({
  guardrail: z.object({
    rung: z.union([z.literal(0), z.literal(1), z.literal(2)]),
    holdLeftMs: waitMs,
    strikes: z.int().min(0).max(1_000_000),
    away: z.boolean().optional(),
  }),
  lifecycle: z.object({
    champion: version.nullable(),
    previous: version.nullable(),
    candidate: z.object({ version, stage: z.enum(["shadow", "canary"]) }).nullable(),
    watch: z.object({ leftMs: waitMs, holdBack: version.nullable(), record: z.number().min(1e-9).max(1) }).nullable(),
    paused: z.boolean(),
  }),
});

/** The state, or `null` when there is none that could be gone on with. */
export function readJudgeNote(note: unknown): JudgeState | null {
  return schema.safeParse(note).data ?? null;
}
