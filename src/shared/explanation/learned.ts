/** What the learner tells people: a part of `GET /api/v1/explain/<request id>`, and of `GET /api/v1/ml`. */

/** What made a server's score, lower is better. Times in milliseconds. */
export interface ScoreParts {
  /** The estimator's d(k): the latency to expect at this load, without failures. */
  readonly expected_ms: number;
  /** By what the model multiplied it: below 1 = better than the estimator thinks. `null` for scores that are no costs. */
  readonly network: number | null;
  /** The model's cost (or score): what the table had for this load. */
  readonly cost: number;
  /** By what the requests that are there multiplied it. */
  readonly crowd: number;
  /**
   * By what the worker multiplied it for what it has seen itself in the last moments: responses that fail to come (stall), and
   * failures. 1 = nothing.
   */
  readonly stall_and_failures: number;
  /** By what it was divided: the weight, reduced during slow start. */
  readonly weight: number;
}

/** A server. The learner knows only its id; the supervisor adds the rest, `null` = it has left. */
export interface NamedServer {
  readonly server_id: number;
  readonly url: string | null;
}

/** A server that could have been chosen. */
export interface LearnedCandidate extends NamedServer {
  readonly chosen: boolean;
  /** Requests at the server, without the one to be placed. */
  readonly in_flight: number;
  /** What was compared; `null` when the choice did not come from a table. */
  readonly score: number | null;
  /** `null` when the table is no longer remembered; also without a score, for then these were not looked at. */
  readonly parts: ScoreParts | null;
  /** By name, as the model's inputs have them (docs/learning.md); `null` = unknown. Of the moment of the table. */
  readonly features: Readonly<Record<string, number | null>> | null;
}

/** A server that could not be, or stood behind those that could. */
export interface IneligibleServer extends NamedServer {
  /** `down`, `ejected`, `draining`, `maintenance`, `standby`, `full`, `passed_over`, `failed_before`, `less_trusted`. */
  readonly state: string;
  readonly why: string;
}

/** One attempt of the request: its first, a retry, or a hedge. */
export interface LearnedAttempt extends NamedServer {
  /** Name of the pool that it was placed in; missing while only one pool is learned of. */
  readonly pool?: string;
  /** ISO 8601. */
  readonly at: string;
  readonly worker: number;
  /** By whom it was placed: `champion`, `control`, `canary` or `probe`. */
  readonly arm: string;
  /** How: `model`, `estimator`, `weighted_round_robin`, or `probe` (the server had not been heard of for long). */
  readonly policy: string;
  /** Probability with which the arm chose this server. */
  readonly propensity: number;
  /** The table it was looked up in, its model and its age then; `null` when it was none, or is no longer remembered. */
  readonly table: { readonly sequence: number; readonly model_version: number; readonly age_ms: number } | null;
  /** How it ended; `null` = not yet, or the client gave up. The last one when the response was cut off later. */
  readonly outcome: { readonly latency_ms: number; readonly failed: boolean } | null;
  /** Candidates there were; the list may be shorter. */
  readonly candidate_count: number;
  readonly candidates: readonly LearnedCandidate[];
  readonly ineligible: readonly IneligibleServer[];
}

/** Why a request went where it went, as far as the learner has followed it. */
export interface LearnedExplanation {
  readonly request_id: string;
  readonly attempts: readonly LearnedAttempt[];
}

/** What the learner knows of a server now. */
export interface DescribedServer extends NamedServer {
  readonly in_flight: number;
  /** What the table has for that load. */
  readonly cost: number;
  readonly expected_ms: number;
  readonly features: Readonly<Record<string, number | null>>;
}

/** Where learning is, of one pool. Versions are of models. */
export interface LearningState {
  /** Models are trained and tried. */
  readonly learning: boolean;
  /** Where the champion comes from. */
  readonly source: "store" | "file" | "remote";
  /** `null` = there is none. */
  readonly champion: number | null;
  /** Twelve hexadecimal digits of its files' SHA-256, as `model-server` names versions; `null` = they are not known here. */
  readonly fingerprint: string | null;
  readonly candidate: { readonly version: number; readonly stage: "shadow" | "canary" } | null;
  /** The one to go back to. */
  readonly previous: number | null;
  /** A new champion is still looked at. */
  readonly watching: boolean;
  readonly paused: boolean;
  /** Why there is no champion. */
  readonly problem: string | null;
  /** While one is trained. */
  readonly trainer_pid: number | null;
  readonly store: {
    readonly durable: boolean;
    readonly problem: string | null;
    readonly rows_written: number;
    readonly rows_dropped: number;
  };
  /** How the model is shared with other instances; `null` = it is not. */
  readonly cluster: ClusterModelState | null;
}

/** How instances share a pool's model. Revisions are the cluster's; versions are each store's own. Times in ISO 8601. */
export interface ClusterModelState {
  /** This instance trains for all. */
  readonly leading: boolean;
  /** Who trains; `null` = nobody at present, or that was not heard yet. */
  readonly leader: { readonly id: string; readonly name: string; readonly since: string } | null;
  /** Of its lease: each further one has a greater number. */
  readonly token: number | null;
  /** Of what is published; `null` = nothing is. */
  readonly revision: number | null;
  /** Of what was taken last, or published here. */
  readonly own_revision: number | null;
  /** What is published routes here. */
  readonly follows: boolean;
  /** Where what was taken last came from. */
  readonly source: {
    readonly kind: "promoted" | "rolled_back";
    readonly by: "judge" | "operator";
    readonly instance: string;
    readonly at: string;
    readonly reason: string;
  } | null;
  /** Why what is published does not route here, or what routes here is not published; `null` = all is well. */
  readonly problem: string | null;
  /** Learners that were heard of of late, this one included. */
  readonly instances: number;
  /** Those of them that took what is published, and those of these that stepped down from it. */
  readonly current: number;
  readonly stepped_down: number;
  /** Milliseconds since Redis was last heard; `null` = never. */
  readonly heard_ms_ago: number | null;
  /** Why Redis is away; `null` = it is there. */
  readonly away: string | null;
  /** It has been away for so long that this instance learns for itself. */
  readonly alone: boolean;
}

/** What the learner knows now. */
export interface LearnerDescription {
  /** Why the present rung is in force; empty while it is the model. */
  readonly rung_reason: string;
  /** The fleet's mean latency, milliseconds; `null` before the first table. */
  readonly mean_latency_ms: number | null;
  readonly remembered_tables: number;
  /** Where learning is; `null` while the store is being opened. */
  readonly models: LearningState | null;
  /** Those of the newest table; `null` before the first. */
  readonly servers: readonly DescribedServer[] | null;
}
