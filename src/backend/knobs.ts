/** How a server for trials behaves, changeable while it runs: by flags, environment variables and `POST /_admin/knobs`. */
import { z } from "zod";

const share = z.number().min(0).max(1);

const knobsSchema = z.strictObject({
  /** Mean time that a request takes once a worker has it, milliseconds. */
  latency_ms: z.number().min(0).max(600_000),
  /** Sigma of the lognormal spread around the mean; 0 = every request takes the mean. */
  latency_jitter: z.number().min(0).max(3),
  /** Share of requests answered with 500. */
  error_rate: share,
  /** Share of requests that are never answered. They hold no worker. */
  hang_rate: share,
  /** Requests worked on at once; the others wait in line. 0 = no limit. */
  concurrency: z.int().min(0).max(1_000_000),
  /** True while `/health` answers 503. */
  fail_health: z.boolean(),
});

export type Knobs = Readonly<z.infer<typeof knobsSchema>>;

/** A server that answers at once and never fails. */
export const DEFAULT_KNOBS: Knobs = Object.freeze({
  latency_ms: 0,
  latency_jitter: 0,
  error_rate: 0,
  hang_rate: 0,
  concurrency: 0,
  fail_health: false,
});

/**
 * `current` with the knobs that `change` names turned. Throws a `RangeError` that lists every problem: an unknown name,
 * a wrong type, a value out of range.
 */
export function turnKnobs(current: Knobs, change: unknown): Knobs {
  const parsed = knobsSchema.partial().safeParse(change);
  if (!parsed.success) {
    throw new RangeError(
      parsed.error.issues.map((issue) => `${issue.path.join(".") || "knobs"}: ${issue.message}`).join("; "),
    );
  }
  return Object.freeze({ ...current, ...parsed.data });
}

/**
 * A service time in milliseconds: lognormal with mean `latency_ms` (not median: the -σ²/2 keeps the mean where it was
 * asked for, however large the jitter). `random` is uniform in [0, 1).
 */
export function drawLatencyMs(knobs: Knobs, random: () => number): number {
  const sigma = knobs.latency_jitter;
  if (sigma === 0 || knobs.latency_ms === 0) return knobs.latency_ms;
  // Box–Muller; 1 - u keeps the logarithm away from zero.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return knobs.latency_ms * Math.exp(sigma * normal - (sigma * sigma) / 2);
}
