/** What an operator asks of a canary: `/api/v1/routes/<name>/canary`. */
import { z } from "zod";
import { sayDuration } from "../../../config/values/units.ts";
import type { RouteSpec } from "../../../protocol/route.ts";
import { CANARY_LIMITS, type CanaryTerms } from "../../../shared/operations/canary.ts";
import type { Assignment } from "../../canary/assignment.ts";
import { proposePromotion, proposeRollback, proposeTerms } from "../../canary/proposals.ts";
import { ApiError } from "../responses.ts";
import type { Plan } from "./make-change.ts";
import { sharesOf } from "./split-change.ts";
import { changeBody, durationIn, numberIn } from "./terms.ts";

/** Where nothing is said. */
const USUAL = {
  steps: [5, 25, 50, 100],
  minDurationMs: 120_000,
  minRequests: 500,
  /** The longest time of a step in shortest ones. */
  times: 10,
  /** As much as the judges of models let one that returns be worse. */
  tolerance: 0.03,
} as const;

const {
  percent: PERCENT,
  steps: MOST_STEPS,
  durationMs: DURATION,
  requests: REQUESTS,
  tolerance: TOLERANCE,
} = CANARY_LIMITS;
/** With more than this, what is left for the others may be rounded to nothing. Percent. */
const MOST_COMPARED = PERCENT.most - PERCENT.least;
const wrongPercent = {
  error: `must be a number from ${PERCENT.least} to ${MOST_COMPARED}: with all the requests there is nothing to compare`,
};
const share = z.number(wrongPercent).min(PERCENT.least, wrongPercent).max(MOST_COMPARED, wrongPercent);
const duration = durationIn(DURATION);

const termsShape = {
  percent: share.optional().describe("what share of the requests it gets now; the first step unless said"),
  steps: z
    .array(numberIn(PERCENT))
    .min(1, { error: "must have one at least" })
    .max(MOST_STEPS, { error: `must have at most ${MOST_STEPS}` })
    .refine((steps) => steps.every((step, i) => i === 0 || step > steps[i - 1]), { error: "must rise: 5, 25, 50, 100" })
    .refine((steps) => steps.every((step) => step <= MOST_COMPARED || step === PERCENT.most), {
      error: `must be ${PERCENT.most}, or up to ${MOST_COMPARED}`,
    })
    .optional()
    .describe("shares that it gets one after the other, percent, rising; with the last it is promoted"),
  auto: z
    .boolean({ error: "must be true or false" })
    .optional()
    .describe("true: it goes on and back by itself; false: it says so, and waits"),
  min_duration: duration.optional().describe("a step lasts at least so long: 2m"),
  min_requests: numberIn(REQUESTS).optional().describe("and until the pool under trial has had so many requests"),
  max_duration: duration
    .optional()
    .describe("after so long it goes on if it looks no worse; ten times min_duration unless said"),
  tolerance: numberIn(TOLERANCE)
    .optional()
    .describe("how much more a request may cost than in the other pools, as a share: 0.03"),
};

/** A canary as it is sent. */
export const newCanarySchema = changeBody({
  pool: z.string().max(256).describe("the pool under trial"),
  ...termsShape,
});
/** A change of one as it is sent. */
export const canaryChangeSchema = changeBody(termsShape).refine(
  ({ reason: _, ...what }) => Object.keys(what).length > 0,
  {
    error: `give one of ${Object.keys(termsShape).join(", ")}`,
  },
);

/** One as it was asked for. */
export type NewCanary = z.infer<typeof newCanarySchema>;
/** A change as it was asked for. */
export type CanaryChange = z.infer<typeof canaryChangeSchema>;

/** What is known of the route when the change is planned. */
export interface CanaryGround {
  readonly route: RouteSpec;
  /** Those of the canary that is under way. */
  readonly terms: CanaryTerms | null;
  readonly pools: readonly { readonly name: string; readonly up: number }[];
  readonly assignmentOf: (pools: readonly string[]) => Assignment;
}

/** What its tag is of. */
export function canaryTag(present: CanaryTerms | null): unknown {
  return { canary: present };
}

/** Throws an `ApiError`. @param by who begins it. @param nowMs milliseconds since the epoch. */
export function planCanary(ground: CanaryGround, asked: NewCanary, by: string, nowMs: number): Plan {
  const { route, pools, assignmentOf } = ground;
  const { pool: name } = asked;
  const shares = sharesOf(route);
  if (ground.terms !== null) {
    const message = `pool ${ground.terms.pool} is under trial on route ${route.name}: promote it or roll it back first`;
    throw new ApiError(409, "canary_running", message);
  }
  const pool = pools.find((one) => one.name === name);
  if (pool === undefined)
    throw wrong("pool", `there is no pool ${name}: there are ${pools.map((one) => one.name).join(", ")}`);
  const { [name]: own = 0, ...stable } = shares;
  if (own > 0) {
    const message = `pool ${name} gets requests of route ${route.name} already: set its share to 0 first, and it can be put to the test`;
    throw new ApiError(409, "pool_in_use", message);
  }
  if (pool.up === 0) {
    throw new ApiError(409, "pool_unusable", `pool ${name} has no server that is up: there is nothing to try`);
  }
  const steps = asked.steps ?? stepsFrom(asked.percent);
  const minDurationMs = asked.min_duration ?? USUAL.minDurationMs;
  const wanted: CanaryTerms = {
    pool: name,
    percent: asked.percent ?? steps[0],
    steps,
    stable,
    auto: asked.auto ?? true,
    minDurationMs,
    minRequests: asked.min_requests ?? USUAL.minRequests,
    maxDurationMs: asked.max_duration ?? Math.min(DURATION.most, USUAL.times * minDurationMs),
    tolerance: asked.tolerance ?? USUAL.tolerance,
    beganMs: nowMs,
    beganBy: by,
  };
  requireSense(wanted);
  const sticks = assignmentOf([name, ...Object.keys(stable)]) === "client";
  return {
    ...proposeTerms(route.name, wanted, shares, "canary.start"),
    present: canaryTag(null),
    warnings: sticks
      ? ["clients stay in their pool here: ten of their requests count as one, and verdicts take longer"]
      : [],
  };
}

/** Throws an `ApiError`. */
export function planCanaryChange({ route, terms: present }: CanaryGround, change: CanaryChange): Plan {
  const before = requireCanary(route.name, present);
  const wanted: CanaryTerms = {
    ...before,
    percent: change.percent ?? before.percent,
    steps: change.steps ?? before.steps,
    auto: change.auto ?? before.auto,
    minDurationMs: change.min_duration ?? before.minDurationMs,
    minRequests: change.min_requests ?? before.minRequests,
    maxDurationMs: change.max_duration ?? Math.max(before.maxDurationMs, change.min_duration ?? 0),
    tolerance: change.tolerance ?? before.tolerance,
  };
  requireSense(wanted);
  const proposal = proposeTerms(route.name, wanted, {}, "canary.change");
  const [was, is] = [sayable(before), sayable(wanted)];
  const changed = Object.keys(was).filter((name) => !Bun.deepEquals(was[name], is[name]));
  return {
    ...proposal,
    before: Object.fromEntries(changed.map((name) => [name, was[name]])),
    after: Object.fromEntries(changed.map((name) => [name, is[name]])),
    words: `canary of route ${route.name}: ${changed.join(", ") || "nothing"} changed`,
    present: canaryTag(before),
    warnings: [],
  };
}

/** Throws an `ApiError`. */
export function planCanaryEnd({ route, terms: present }: CanaryGround, how: "promote" | "rollback"): Plan {
  const before = requireCanary(route.name, present);
  const propose = how === "promote" ? proposePromotion : proposeRollback;
  return { ...propose(route.name, before, sharesOf(route)), present: canaryTag(before), warnings: [] };
}

/** The response where there is no canary. */
export function noCanary(route: string): ApiError {
  return new ApiError(404, "no_canary", `no pool is under trial on route ${route}`);
}

function requireCanary(route: string, present: CanaryTerms | null): CanaryTerms {
  if (present === null) throw noCanary(route);
  return present;
}

/** The usual ones above the first. */
function stepsFrom(percent: number | undefined): readonly number[] {
  if (percent === undefined) return USUAL.steps;
  return [percent, ...USUAL.steps.filter((step) => step > percent)];
}

/** What may be changed, by the names and in the words of the API. */
function sayable(terms: CanaryTerms): Readonly<Record<string, unknown>> {
  const { percent, steps, auto, minDurationMs, minRequests, maxDurationMs, tolerance } = terms;
  const [min, max] = [sayDuration(minDurationMs), sayDuration(maxDurationMs)];
  return { percent, steps, auto, min_duration: min, min_requests: minRequests, max_duration: max, tolerance };
}

function requireSense({ percent, steps, minDurationMs, maxDurationMs }: CanaryTerms): void {
  const last = steps[steps.length - 1];
  if (percent > MOST_COMPARED) throw wrong("steps", wrongPercent.error);
  if (percent > last) throw wrong("percent", `is above the last step, which is ${last}`);
  if (maxDurationMs < minDurationMs) {
    throw wrong("max_duration", `must be at least min_duration, which is ${sayDuration(minDurationMs)}`);
  }
}

function wrong(at: string, message: string): ApiError {
  return new ApiError(400, "invalid_body", `the body is not right: ${at}: ${message}`, {}, [{ at, message }]);
}
