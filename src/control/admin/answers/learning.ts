/** `GET /api/v1/ml…`: what is learned. */
import { z } from "zod";
import type { DescribedServer, LearningState } from "../../../shared/explanation/learned.ts";
import { MODEL_ORIGINS, MODEL_STATUSES } from "../../../storage/learning-store.ts";
import type { describeLearning, describePool } from "../../processes/learner/status.ts";
import { describing, type Frozen } from "./describing.ts";
import { features, namedServer } from "./explanation.ts";
import { processView } from "./process.ts";

const version = z.int().positive().nullable();
const count = z.number().min(0);
const share = z.number().min(0).max(1);

const inForce = z.strictObject({
  rung: z.string().describe("model, estimator or weighted_round_robin: which policy routes"),
  table_age_ms: z.number().nullable().describe("null = there is none"),
  model_version: version,
  canary_version: version,
  shares: z.strictObject({ control: share, canary: share, second: share }),
});
/** Held to what the learner's memory is described as. */
const poolInForce = describing<ReturnType<typeof describePool>>()(inForce);

const counts = {
  decisions: z.record(z.string(), count).describe("by arm"),
  samples: count,
  samples_lost: count,
  model_errors: count,
  predictions: count,
  fallbacks: count,
};

/** The `ml` of `GET /api/v1/status`: of one pool beside the rest, of several by name. */
export const learningView = describing<Exclude<ReturnType<typeof describeLearning>, null>>()(
  z.union([
    z.strictObject({ ...poolInForce.shape, learner: processView, ...counts }).meta({ id: "PoolLearning" }),
    z
      .strictObject({ learner: processView, ...counts, pools: z.record(z.string(), poolInForce) })
      .meta({ id: "SeveralPoolsLearning" }),
  ]),
);

const clusterModel = z
  .strictObject({
    leading: z.boolean().describe("this instance trains for all"),
    leader: z.strictObject({ id: z.string(), name: z.string(), since: z.iso.datetime() }).nullable(),
    token: z.int().nullable().describe("of the leader's lease: each further one has a greater number"),
    revision: z.int().nullable().describe("of what is published; null = nothing is"),
    own_revision: z.int().nullable().describe("of what was taken last, or published here"),
    follows: z.boolean().describe("what is published routes here"),
    source: z
      .strictObject({
        kind: z.enum(["promoted", "rolled_back"]),
        by: z.enum(["judge", "operator"]),
        instance: z.string(),
        at: z.iso.datetime(),
        reason: z.string(),
      })
      .nullable()
      .describe("where what was taken last came from"),
    problem: z.string().nullable().describe("why what is published does not route here"),
    instances: count.describe("learners that were heard of of late, this one included"),
    current: count.describe("of these, those that took what is published"),
    stepped_down: count.describe("of those, those that do not route by it any more because it was worse there"),
    heard_ms_ago: z.int().nullable().describe("milliseconds since Redis was last heard"),
    away: z.string().nullable().describe("why Redis is away; null = it is there"),
    alone: z.boolean().describe("it has been away for so long that this instance learns for itself"),
  })
  .meta({ id: "ClusterModelState" });

const learningState = describing<LearningState>()(
  z
    .strictObject({
      learning: z.boolean(),
      source: z.enum(["store", "file", "remote"]),
      champion: z.int().nullable(),
      fingerprint: z.string().nullable().describe("of the champion's files, as model-server names versions"),
      candidate: z.strictObject({ version: z.int(), stage: z.enum(["shadow", "canary"]) }).nullable(),
      previous: z.int().nullable(),
      watching: z.boolean(),
      paused: z.boolean(),
      problem: z.string().nullable(),
      trainer_pid: z.int().nullable(),
      store: z.strictObject({
        durable: z.boolean(),
        problem: z.string().nullable(),
        rows_written: count,
        rows_dropped: count,
      }),
      cluster: clusterModel.nullable(),
    })
    .meta({ id: "LearningState" }),
);

const describedServer = describing<DescribedServer>()(
  namedServer
    .extend({ in_flight: z.int(), cost: z.number(), expected_ms: z.number(), features })
    .meta({ id: "DescribedServer" }),
);

/** What the learner says of a pool. */
const said = {
  rung_reason: z.string().describe("why the rung is not the model, or why the learner says nothing"),
  mean_latency_ms: z.number().nullable(),
  remembered_tables: z.int().min(0),
  models: learningState.nullable(),
  servers: z.array(describedServer).nullable(),
};
/** What the learner says of a pool, as it is shown. */
export type SaidOfPool = Frozen<z.infer<z.ZodObject<typeof said>>>;

/** `GET /api/v1/ml`. */
export const learningOverview = z.union([
  z.strictObject({ ...inForce.shape, learner: processView, ...counts, ...said }),
  z.strictObject({
    learner: processView,
    ...counts,
    pools: z.record(z.string(), z.strictObject({ ...inForce.shape, ...said })),
  }),
]);
/** As it is answered. */
export type LearningOverview = Frozen<z.infer<typeof learningOverview>>;

const pool = z.string().optional().describe("where several pools are learned of");

/** `GET /api/v1/ml/models`. */
export const modelList = z.strictObject({
  models: z.array(
    z
      .strictObject({
        pool,
        version: z.int().positive(),
        origin: z.enum(MODEL_ORIGINS),
        status: z.enum(MODEL_STATUSES),
        parent_version: version,
        created_at: z.iso.datetime(),
        status_at: z.iso.datetime(),
        promoted_at: z.iso.datetime().nullable(),
        report: z.unknown().describe("what its training measured"),
      })
      .meta({ id: "Model" }),
  ),
});
/** As it is answered. */
export type ModelList = Frozen<z.infer<typeof modelList>>;

/** `GET /api/v1/ml/verdicts`. */
export const verdictList = z.strictObject({
  verdicts: z.array(
    z
      .strictObject({
        pool,
        at: z.iso.datetime(),
        model_version: version,
        kind: z.string(),
        reason: z.string(),
        numbers: z.unknown().describe("what it rests on"),
      })
      .meta({ id: "Verdict" }),
  ),
});
/** As it is answered. */
export type VerdictList = Frozen<z.infer<typeof verdictList>>;
