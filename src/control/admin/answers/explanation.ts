/** `GET /api/v1/explain/<request id>`. */
import { z } from "zod";
import type { ExplainedAttempt, ExplainedCandidate, Explanation } from "../../../shared/explanation/explanation.ts";
import type { NamedServer, ScoreParts } from "../../../shared/explanation/learned.ts";
import { describing } from "./describing.ts";
import { recentRequest } from "./recent.ts";

/** A server by its id; `url` is `null` for one that has left. */
export const namedServer = describing<NamedServer>()(
  z.strictObject({ server_id: z.int(), url: z.string().nullable().describe("null = it has left") }),
);

/** By name, as the model's inputs have them. */
export const features = z.record(z.string(), z.number().nullable()).describe("by name; null = unknown");

const scoreParts = describing<ScoreParts>()(
  z
    .strictObject({
      expected_ms: z.number().describe("the latency to expect at this load, by the estimator"),
      network: z.number().nullable().describe("by what the model multiplied it; null = scores are no costs"),
      cost: z.number().describe("what the table had for this load"),
      crowd: z.number().describe("by what the requests that are there multiplied it"),
      stall_and_failures: z.number().describe("by what the worker multiplied it for what it saw itself"),
      weight: z.number().describe("by what it was divided"),
    })
    .meta({ id: "ScoreParts" }),
);

const candidate = describing<ExplainedCandidate>()(
  namedServer
    .extend({
      chosen: z.boolean(),
      in_flight: z.int().describe("without the request to be placed"),
      weight: z.number(),
      score: z.number().nullable().describe("null = the strategy did not look at it"),
      full: z.boolean().describe("it has all that the strategy grants it"),
      parts: scoreParts.nullable(),
      features: features.nullable(),
    })
    .meta({ id: "ExplainedCandidate" }),
);

const attempt = describing<ExplainedAttempt>()(
  namedServer
    .extend({
      at: z.iso.datetime(),
      worker: z.int().min(0),
      kind: z.enum(["first", "retry", "hedge", "authorise"]),
      pool: z.string().nullable(),
      strategy: z.string(),
      choice: z.enum([
        "strategy",
        "turn",
        "draw",
        "best_of_two",
        "owner",
        "next_owner",
        "probe",
        "model",
        "second_best",
        "estimator",
        "floor",
        "comparison",
        "sticky",
        "only_one",
        "trial",
        "unknown",
      ]),
      why: z.string().describe("how its server came to be chosen"),
      scale: z
        .strictObject({ name: z.string(), best: z.enum(["lowest", "highest", "none"]), unit: z.string() })
        .nullable()
        .describe("what the candidates' scores are"),
      expected_cost: z
        .number()
        .min(0)
        .nullable()
        .describe("of the request there, in mean requests; null = no classes of requests are told apart"),
      request_class: z.string().nullable().describe("method and path template; null = the rest, or none is told apart"),
      held_ms: z.number().min(0).describe("before it, because every server was at its learned limit; 0 = not"),
      sent_anyway: z.boolean().describe("no server had a place when its patience was over"),
      connect_ms: z.number().nullable().describe("0 = on a kept connection, null = it never could be sent"),
      head_ms: z.number().nullable().describe("until the complete response head"),
      total_ms: z.number().nullable(),
      status: z.int().nullable(),
      failure: z.string().nullable(),
      responded: z.boolean().describe("its response was the client's"),
      result: z.string(),
      outcome: z.strictObject({ latency_ms: z.number(), failed: z.boolean() }).nullable(),
      candidate_count: z.int().min(0),
      candidates: z.array(candidate).describe("the best of them"),
      ineligible_count: z.int().min(0),
      ineligible: z.array(namedServer.extend({ state: z.string(), why: z.string() })),
      ineligible_by_state: z.record(z.string(), z.int()),
      arm: z.string().nullable().describe("of ml, as the next three"),
      policy: z.string().nullable(),
      propensity: z.number().nullable(),
      table: z.strictObject({ sequence: z.int(), model_version: z.int(), age_ms: z.number() }).nullable(),
    })
    .meta({ id: "ExplainedAttempt" }),
);

/** Why a request went where it went. */
export const explanation = describing<Explanation>()(
  recentRequest.extend({
    summary: z.string(),
    wait_reason: z.string().nullable(),
    attempts: z.array(attempt).describe("in the order in which they began"),
    same_id: z.array(recentRequest).describe("others that came under the same id"),
    learner: z.string().nullable().describe("why nothing of the learner is in it"),
  }),
);
