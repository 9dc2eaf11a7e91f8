/** Overrides as they are written down, and read again: whatever is found there is looked at before it is believed. */
import { z } from "zod";
import type { AuditEntry } from "../../shared/operations/audit.ts";
import { CANARY_LIMITS } from "../../shared/operations/canary.ts";
import { MAX_OVERRIDES, MAX_OVERRIDES_BYTES } from "../../shared/operations/limits.ts";
import type { Override } from "../../shared/operations/override.ts";

/** The only one that there is. */
export const FORMAT = 1;

/** Values of settings are as long as lists of addresses are: what bounds them is how much all overrides may take. */
const text = z.string().max(MAX_OVERRIDES_BYTES);
const record = {
  id: z.string().regex(/^[0-9a-f]{12}$/),
  by: text,
  client: text,
  reason: text,
  atMs: z.number(),
  untilMs: z.number().nullable(),
  kept: z.boolean(),
  scope: z.literal("instance").optional(),
};
const server = z.object({ pool: text, server: text, address: text });
const inPool = z.object({ pool: text, url: text });
const shares = z.record(text, z.number());
const rateLimit = z.object({
  mode: text,
  rate: text.nullable(),
  burst: z.number().nullable(),
  concurrent: z.number().nullable(),
});
const { percent, durationMs, requests, tolerance, steps } = CANARY_LIMITS;
const within = ({ least, most }: { readonly least: number; readonly most: number }) => z.number().min(least).max(most);
const canary = z.object({
  pool: text,
  percent: within(percent),
  steps: z.array(within(percent)).max(steps),
  stable: shares,
  auto: z.boolean(),
  minDurationMs: within(durationMs),
  minRequests: within(requests),
  maxDurationMs: within(durationMs),
  tolerance: within(tolerance),
  beganMs: z.number(),
  beganBy: text,
});

const overrideSchema = z.discriminatedUnion("kind", [
  z.object({
    ...record,
    kind: z.literal("weight"),
    target: server,
    value: z.number().positive(),
    configured: z.number(),
  }),
  z.object({
    ...record,
    kind: z.literal("capacity"),
    target: server,
    value: z.int().min(0).max(0x7fffffff),
    configured: z.number(),
  }),
  z.object({
    ...record,
    kind: z.literal("state"),
    target: server,
    value: z.enum(["drain", "maintenance"]),
    configured: z.literal("active"),
  }),
  z.object({
    ...record,
    kind: z.literal("server_added"),
    target: inPool,
    value: z.object({
      url: text,
      weight: z.number().optional(),
      capacity: z.number().optional(),
      zone: text.optional(),
      backup: z.boolean().optional(),
    }),
    configured: z.null(),
  }),
  z.object({ ...record, kind: z.literal("server_removed"), target: inPool, value: z.null(), configured: text }),
  z.object({
    ...record,
    kind: z.literal("setting"),
    target: z.object({ pool: text.nullable(), setting: text }),
    value: text.nullable(),
    configured: text.nullable(),
  }),
  z.object({
    ...record,
    kind: z.literal("split"),
    target: z.object({ route: text }),
    value: shares,
    configured: shares,
  }),
  z.object({
    ...record,
    kind: z.literal("rate_limit"),
    target: z.object({ limit: text }),
    value: rateLimit,
    configured: rateLimit,
  }),
  z.object({
    ...record,
    kind: z.literal("canary"),
    target: z.object({ route: text }),
    value: canary,
    configured: shares,
  }),
]) satisfies z.ZodType<Override>;

const entrySchema = z.object({
  atMs: z.number(),
  actor: text,
  client: text,
  action: text,
  target: text,
  before: z.unknown(),
  after: z.unknown(),
  reason: text,
  kept: z.boolean(),
  instance: text.optional(),
});

/** Overrides that were kept; throws an `Error` that goes on from the name of their place. */
export function readOverrides(value: unknown): readonly Override[] {
  const read = z.array(overrideSchema).max(MAX_OVERRIDES).safeParse(value);
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0];
  throw new Error(`has an override that is none (${path.join(".")}: ${message})`);
}

/** One override; throws an `Error` that says what is not right. */
export function readOverride(value: unknown): Override {
  const read = overrideSchema.safeParse(value);
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0];
  throw new Error(`${path.join(".")}: ${message}`);
}

/** One entry of the audit; `null` = it is none. */
export function readEntry(value: unknown): AuditEntry | null {
  const read = entrySchema.safeParse(value);
  return read.success ? (read.data as AuditEntry) : null;
}

/** Throws an `Error` when they cannot be kept: there is no room for so much, or it would not be believed when it is read again. */
export function requireKeepable(overrides: readonly Override[]): void {
  if (overrides.length > MAX_OVERRIDES) throw new Error(`there are more than ${MAX_OVERRIDES} overrides`);
  const written = JSON.stringify(overrides);
  if (Buffer.byteLength(written) > MAX_OVERRIDES_BYTES) {
    throw new Error(`the overrides take more than ${MAX_OVERRIDES_BYTES / 1024} KiB`);
  }
  try {
    readOverrides(JSON.parse(written));
  } catch (error) {
    throw new Error(`what is to be kept ${(error as Error).message}`);
  }
}
