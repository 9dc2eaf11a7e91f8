/**
 * The part of the shared memory that learned balancing uses: what the learner publishes, and the rings in which workers tell
 * it what they decided and what came of it. shared-memory.ts places it; its rules hold here too.
 */
import type { Ring } from "./ring.ts";

/** Columns of a score table, by load: balancing/score-columns.ts says which load each is for. */
export const SCORE_COLUMNS = 80;

/** What the learner says of one pool (Int32). Writer: learner, unless said otherwise. */
export const LearnerWord = {
  /** Which policy routes: a `Rung`. Writers: learner; supervisor after its death. */
  RUNG: 0,
  /** Sequence numbers of the champion's and the canary's score tables; their lowest bit says which copy is complete. */
  CHAMPION_TABLE: 1,
  CANARY_TABLE: 2,
  /** Versions of the models behind them; 0 = none. */
  CHAMPION_MODEL: 3,
  CANARY_MODEL: 4,
  /** 1 = the tables are costs, to be multiplied by the crowd; 0 = they are scores that know the load already. */
  CHAMPION_COSTS: 5,
  CANARY_COSTS: 6,
  /** 1 = requests may be held because of `LearnedTable.limit`. Writers: learner; supervisor, 0 after its death. */
  HOLDING: 7,
  /** Why it is so: a `HoldState`. */
  HOLD_STATE: 8,
  LENGTH: 16,
} as const;

/** Figures of one pool (Float64). Writers: learner; supervisor, which clears the shares and `LIMITS_MS` after its death. */
export const LearnerFigure = {
  /** Share of the requests that the policy one rung below places, for comparison, 0 … 1. */
  CONTROL_SHARE: 0,
  /** Share that the canary's table places. */
  CANARY_SHARE: 1,
  /** Share of the rest that goes to the second best server: chances that are known make choices comparable. */
  SECOND_SHARE: 2,
  /** When the champion's last table was published, milliseconds of the boot clock (boot-clock.ts); 0 = never. */
  TABLE_MS: 3,
  /** Mean cost of the attempts of each arm of late, in mean latencies of the fleet; 0 = there were none. */
  CHAMPION_COST: 4,
  CONTROL_COST: 5,
  CANARY_COST: 6,
  /**
   * By how much less a request costs with the policy that serves than with the one a rung below, over the last minutes (0.12 = 12 %
   * less), and the standard error of that; 0 and 0 = too little to say.
   */
  ADVANTAGE: 7,
  ADVANTAGE_ERROR: 8,
  /** When the limits were last published, milliseconds of the boot clock; 0 = never. Older than `STALE_TABLE_MS` = there are none. */
  LIMITS_MS: 9,
  /** How long a request is held at most, milliseconds. */
  PATIENCE_MS: 10,
  /** What the limits were multiplied by because a queue stood, ≥ 1; 0 = nothing is known. */
  RELAXATION: 11,
  LENGTH: 64,
} as const;

/** What the champion's model predicted of a server, and what came of it (Float64): a row by slot. Writer: learner. */
export const PredictionWord = {
  /** Id of the server that the sums are of; 0 = nobody's. */
  SERVER: 0,
  /** Attempts that are in both sums. */
  COUNT: 1,
  PREDICTED_SECONDS: 2,
  ACTUAL_SECONDS: 3,
  LENGTH: 4,
} as const;

/** Upper bounds of the exported buckets of inference durations, seconds. The last bucket has none. */
export const INFERENCE_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
] as const;

/** Words of the learner's counters (Float64, only ever growing unless named a gauge). Writer: learner. */
export const LearnerCounter = {
  /** Scores that models gave: one for each server and load of a table. */
  SCORES: 0,
  /** Calls of a model that failed, or gave something that is no number. */
  MODEL_FAILURES: 1,
  /** Those of the scores that a cache had, of calls that did not fail. */
  CACHE_HITS: 2,
  /** Outcomes that were read from the workers' rings. */
  SAMPLES: 3,
  /** Outcomes that were overwritten before they were read. */
  SAMPLES_LOST: 4,
  /** Tables published. */
  TABLES: 5,
  INFERENCE_SECONDS: 6,
  /** 1 while a remote model is not asked because it failed too often. */
  BREAKER_OPEN: 7,
  /** Resident set size, bytes. */
  RSS_BYTES: 8,
  /** A number that changes while the learner is alive. */
  HEARTBEAT: 9,
  /** Open file descriptors; 0 where the system does not tell. */
  DESCRIPTORS_OPEN: 10,
  /** Lines of the process's own log that could not be written. */
  LOG_DROPPED: 11,
  /** 1 while what is learned is not kept as it should be. */
  STORE_DEGRADED: 12,
  /** 1 while the model that should serve cannot be loaded or asked. */
  MODEL_UNUSABLE: 13,
  /** 1 while a model is being trained. */
  TRAINING: 14,
  /** Samples that were handed to the store. */
  SAMPLES_KEPT: 15,
  /** 1 while its store is being opened, which may take all its time: a large one is brought up to date. */
  STORE_OPENING: 30,
  /** Calls of a model by `INFERENCE_BOUNDS`, not cumulative: this word and those behind it, one more than there are bounds. */
  INFERENCE_BUCKETS: 16,
  /** Verdicts by `VERDICT_KINDS`: this word and those behind it. */
  VERDICTS: 32,
  /** Trainings that ended, by `TRAINING_RESULTS`: this word and those behind it. */
  TRAININGS: 52,
  /** 1 while this instance trains for others, too; 1 while Redis, over which models are shared, does not answer. */
  CLUSTER_LEADING: 56,
  CLUSTER_AWAY: 57,
  /** Models of other instances that became the champion here, models that were given to others, and some that could not be used. */
  CLUSTER_ADOPTED: 58,
  CLUSTER_PUBLISHED: 59,
  CLUSTER_UNUSABLE: 60,
  /** Rounds in which what is learned of servers was told to other instances and heard of them, and those that failed. */
  KNOWLEDGE_ROUNDS: 61,
  KNOWLEDGE_FAILURES: 62,
  LENGTH: 64,
} as const;

/** Those of `LearnerCounter` that say how it is now: a gauge as a metric, and cleared when the learner dies. */
export const LEARNER_GAUGES: readonly number[] = [
  LearnerCounter.BREAKER_OPEN,
  LearnerCounter.RSS_BYTES,
  LearnerCounter.HEARTBEAT,
  LearnerCounter.DESCRIPTORS_OPEN,
  LearnerCounter.STORE_DEGRADED,
  LearnerCounter.MODEL_UNUSABLE,
  LearnerCounter.TRAINING,
  LearnerCounter.STORE_OPENING,
  LearnerCounter.CLUSTER_LEADING,
  LearnerCounter.CLUSTER_AWAY,
];

/** What the judges of learned balancing may decide (learning/judge/). */
export const VERDICT_KINDS = [
  /** A candidate came; its shadow begins. */
  "candidate",
  "shadow_passed",
  "shadow_failed",
  "canary_started",
  "promoted",
  "rejected",
  /** A promoted model has proven itself. */
  "watch_passed",
  /** The model before it serves again. */
  "rolled_back",
  /** The guardrail went down the ladder. */
  "demoted",
  /** The model gets a small share while the estimator serves. */
  "probation_started",
  "probation_failed",
  /** The guardrail came back up. */
  "recovered",
  "paused",
  "resumed",
  /** Requests fared worse where they were held, so none is; and how that ended. */
  "holding_stopped",
  "holding_probation_started",
  "holding_probation_failed",
  "holding_resumed",
] as const;

/** How a training may end: with a candidate, without one because it predicts no better, with too little to learn from, … */
export const TRAINING_RESULTS = ["proposed", "no_better", "too_few_samples", "failed"] as const;
/** One of them. */
export type TrainingResult = (typeof TRAINING_RESULTS)[number];

/** The ladder of policies behind `ml`, from the best to the most robust. */
export const Rung = {
  MODEL: 0,
  /** What `adaptive` does; needs no model. */
  ESTIMATOR: 1,
  /** Weighted round robin: needs nothing. */
  FLOOR: 2,
} as const;
export type Rung = (typeof Rung)[keyof typeof Rung];

/** What the policies of the ladder are called where programs read of them, by `Rung`. */
export const RUNG_NAMES: readonly string[] = ["model", "estimator", "weighted_round_robin"];

/** Whether requests to a pool may be held because of learned limits, and why not. */
export const HoldState = {
  /** Nobody learns limits. */
  OFF: 0,
  /** No server has one: too little is known of them, or they take hundreds of requests at once. */
  LEARNING: 1,
  HOLDING: 2,
  /** Requests fared worse where they were held: the guardrail has ended it for a while. */
  STOPPED: 3,
} as const;
export type HoldState = (typeof HoldState)[keyof typeof HoldState];

/** What they are called where programs read of them, by `HoldState`. */
export const HOLD_STATE_NAMES = ["off", "learning", "holding", "stopped"] as const;
/** One of them. */
export type HoldStateName = (typeof HOLD_STATE_NAMES)[number];

/** By what a request was placed. */
export const DecisionArm = {
  /** The policy of the present rung. */
  CHAMPION: 0,
  /** The policy one rung below. */
  CONTROL: 1,
  /** The candidate model. */
  CANARY: 2,
  /** Nobody's choice: a server that was not heard of for long is asked, so that none is forgotten, or a client sticks to it. */
  PROBE: 3,
} as const;
export type DecisionArm = (typeof DecisionArm)[keyof typeof DecisionArm];

/** What the arms are called where programs read of them, by `DecisionArm`. */
export const ARM_NAMES = ["champion", "control", "canary", "probe"] as const;
/** One of them. */
export type Arm = (typeof ARM_NAMES)[number];

/**
 * The arm of samples of attempts that another strategy than `ml` placed; it is in no decision. With which probability such a
 * strategy chose is not known: their propensity is 1, and estimates that need a true one must leave them out.
 */
export const OTHER_STRATEGY_ARM = 4;

/** The models that have a score table: the champion, and a canary beside it. */
export const TABLE_MODELS = 2;
/** A table that was not renewed for so long is believed by nobody, milliseconds: the learner is dead, stuck or starved. */
export const STALE_TABLE_MS = 1000;
/** Each table has two copies: the learner fills the one that nobody reads, then counts its sequence number up. */
export const TABLE_COPIES = 2;

/** What the learner publishes of one pool. Rows of tables: `(model × TABLE_COPIES + copy) × slots + slot`; all pools share them. */
export interface LearnedTable {
  /** `LearnerWord`s. */
  readonly words: Int32Array;
  /** `LearnerFigure`s. */
  readonly figures: Float64Array;
  /** Whose row it is: the id of a server, 0 = nobody's. A slot may have changed hands since. */
  readonly rowId: Int32Array;
  /** `[rows × SCORE_COLUMNS]` (balancing/score-columns.ts): what a request would cost at that load, > 0; lower is better. */
  readonly cost: Float32Array;
  /** By slot: how many requests at once the server really works on, by what was learned; 0 = that is not known, or no limit. */
  readonly limit: Int32Array;
  /** By slot: whose limit it is, the id of a server; of another server it says nothing. Written after `limit` was set to 0. */
  readonly limitId: Int32Array;
  /** By slot: the limit without what is tried out for moments, as people are shown it; 0 as in `limit`. Workers do not go by it. */
  readonly settledLimit: Int32Array;
  /**
   * By slot: this instance's part of `limit` (without what is tried out for moments), where other instances send requests to the
   * server, too; 0 = nobody else does. As `limit`, it says nothing of another server than `limitId`.
   */
  readonly ownLimit: Int32Array;
  /** By slot: how many instances learned what the limit comes from, this one included; 0 = there is no limit. For people. */
  readonly limitSources: Int32Array;
}

/** Records of decisions that a worker keeps; a power of two. */
export const DECISION_ROWS = 4096;
/** Candidates that a record has room for. */
export const DECISION_CANDIDATES = 32;
/** Records of outcomes that a worker keeps; a power of two. */
export const OUTCOME_ROWS = 8192;

/** A record of a decision: how an attempt was placed by `ml`. Indices of 32-bit words in its row. */
export const DecisionWord = {
  /** Four words: the hash of the request's id (request-id-hash.ts). */
  REQUEST_ID: 0,
  SLOT: 4,
  /** Id of the server that was in the slot. */
  SERVER: 5,
  /** `DecisionArm` + 256 × the `Rung` whose policy chose. */
  ARM: 6,
  /** Sequence number of the table that the scores came from; 0 = none did. Of the canary's if the arm is. */
  TABLE: 7,
  /** Float64: when, milliseconds of the boot clock. */
  TIME: 8,
  /** Float32: probability with which the arm chose this slot, 0 … 1. */
  PROPENSITY: 10,
  /** Candidates there were; the first `DECISION_CANDIDATES` of them are in the row, and the chosen one in any case. */
  COUNT: 11,
  /** For each candidate two words: `packCandidate`, and its score as Float32 (0 = it had none). */
  CANDIDATES: 12,
  LENGTH: 12 + 2 * DECISION_CANDIDATES,
} as const;

const SLOT_BITS = 9;
const LOAD_BITS = 11;
const MOST_LOAD = (1 << LOAD_BITS) - 1;

/**
 * One word: a slot, the requests in flight there, and those that this worker itself waits for there; no more than 2047
 * are told apart.
 */
export function packCandidate(slot: number, inFlight: number, waiting: number): number {
  const load = Math.max(0, Math.min(inFlight, MOST_LOAD));
  const own = Math.min(waiting, MOST_LOAD);
  return slot | (load << SLOT_BITS) | (own << (SLOT_BITS + LOAD_BITS));
}

/** Takes apart what `packCandidate` made. */
export function unpackCandidate(word: number): { slot: number; inFlight: number; waiting: number } {
  return {
    slot: word & ((1 << SLOT_BITS) - 1),
    inFlight: (word >>> SLOT_BITS) & MOST_LOAD,
    waiting: (word >>> (SLOT_BITS + LOAD_BITS)) & MOST_LOAD,
  };
}

/** A record of an outcome: how an attempt ended. Indices of 32-bit words in its row. */
export const OutcomeWord = {
  /** Number of the decision's record in the same worker's ring; 0 = another strategy than `ml` placed it. */
  DECISION: 0,
  SLOT: 1,
  SERVER: 2,
  /** At the server when the attempt was placed, without it. */
  IN_FLIGHT: 3,
  /** 1 = the server failed the attempt. */
  FAILED: 4,
  /** Float32: how long its request was held before it because of learned limits, milliseconds; only of a first attempt. */
  HELD: 5,
  /** Float64: from the dispatch to the complete response head, or to the failure, milliseconds. */
  LATENCY: 6,
  /** Float64: when it ended, milliseconds of the boot clock. */
  TIME: 8,
  /** Of `IN_FLIGHT`, those in transfer (`ServerTable.transferring`); 0 where no limits are learned. */
  TRANSFERRING: 10,
  /** Number of its record in the same worker's ring of work; 0 = no classes of requests are told apart. */
  WORK: 11,
  LENGTH: 12,
} as const;

/** A record of what an attempt's request was expected to cost. Indices of 32-bit words in its row. */
export const WorkWord = {
  /** Hash of its request's template; 0 = none was made, or its response says nothing of what such requests cost. */
  TEMPLATE: 0,
  /** The same with any last segment; 0 = there is none. */
  PARENT_TEMPLATE: 1,
  /** Float32: what it and each of those that were there were expected to cost, in mean requests. */
  OWN: 2,
  OTHERS: 3,
  LENGTH: 4,
} as const;

/** What one worker tells the learner. Writer: that worker. */
export interface WorkerRings {
  /** Only in use while a pool's strategy is `ml`. */
  readonly decisions: Ring;
  /** Only in use while a pool is learned of. */
  readonly outcomes: Ring;
  /** Only in use while classes of a pool's requests are told apart; as many rows as of outcomes, each written before its outcome. */
  readonly work: Ring;
}
