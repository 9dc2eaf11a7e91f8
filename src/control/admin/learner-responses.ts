/** The responses about learned balancing: what the learner says, with the names of the servers. */
import { LEARNED_STRATEGY } from "../../balancing/registry.ts";
import type { LearnerOrder, LearnerOrderReply, OrderScope } from "../../protocol/learner.ts";
import type { LearnedExplanation, LearnerDescription, NamedServer } from "../../shared/explanation/learned.ts";
import type { Model as StoredModel, Verdict as StoredVerdict } from "../../storage/learning-store.ts";
import { type Learner, LearnerUnavailableError } from "../processes/learner/learner.ts";
import { describeLearning, describePool, type LearningView } from "../processes/learner/status.ts";
import type { ShownTraining } from "./answers/cluster.ts";
import type { LearningOverview, ModelList, SaidOfPool, VerdictList } from "./answers/learning.ts";
import { ApiError, RETRY_SOON } from "./responses.ts";

/** By name of the pool. */
type Descriptions = Readonly<Record<string, LearnerDescription>>;

/** What is asked. */
export interface LearningResponsesView extends LearningView {
  readonly learner: Pick<Learner, "running" | "status" | "pools" | "limited" | "sampled" | "ask">;
  readonly fleet: { endpoints(): readonly { readonly id: number; readonly url: string }[] };
}

/** Answers the questions of the admin API. Each throws an `ApiError` when there is no response. */
export class LearningResponses {
  readonly #view: LearningResponsesView;

  constructor(view: LearningResponsesView) {
    this.#view = view;
  }

  /**
   * `GET /api/v1/ml`. Also without the learner, whose part is `null` then. Of several pools that are learned of, all, by name.
   */
  async overview(wanted: string | null): Promise<LearningOverview> {
    const learner = this.#running();
    const pool = this.#pool(wanted);
    const said = await ask<Descriptions>(learner, { kind: "describe", pool }).catch((error: ApiError) => error);
    const { pools } = learner;
    const { memory } = this.#view;
    const name = this.#namer();
    const described = describeLearning(this.#view);
    if (described === null) throw this.#nothingLearned();
    if (!("pools" in described)) return { ...described, ...saidOf(said, pools[0].name, name) };
    const shown = pools.filter((one) => pool === null || one.name === pool);
    const byName = shown.map((one) => [one.name, { ...describePool(memory, one), ...saidOf(said, one.name, name) }]);
    return { ...described, pools: Object.fromEntries(byName) };
  }

  /** `GET /api/v1/explain/<request id>`. */
  async explain(requestId: string, wanted: string | null): Promise<LearnedExplanation> {
    const question = { kind: "explain", requestId, pool: this.#pool(wanted) } as const;
    const explanation = await ask<LearnedExplanation>(this.#running(), question);
    if (explanation === null) {
      const where = question.pool === null ? "" : ` in the pool ${question.pool}`;
      throw new ApiError(
        404,
        "unknown_request",
        `no worker remembers the request ${requestId}${where}: it is too long ago, or no server was chosen for it`,
      );
    }
    const name = this.#namer();
    const attempts = explanation.attempts.map((attempt) => ({
      ...name(attempt),
      candidates: attempt.candidates.map(name),
      ineligible: attempt.ineligible.map(name),
    }));
    return { ...explanation, attempts };
  }

  /** Who trains the models that instances share, by pool; `null` = the learner does not answer. For `GET /api/v1/cluster`. */
  async training(): Promise<ShownTraining[] | null> {
    const { learner } = this.#view;
    if (!learner.running || learner.pools.length === 0) return [];
    const said = await ask<Descriptions>(learner, { kind: "describe", pool: null }).catch(() => null);
    if (said === null) return null;
    return learner.pools.flatMap(({ name }) => {
      const shared = said[name]?.models?.cluster ?? null;
      if (shared === null) return [];
      const { leading, leader, follows, problem } = shared;
      return [{ pool: name, leading, leader, follows, problem }];
    });
  }

  /** `GET /api/v1/ml/models`: without their files. */
  async models(limit: number, wanted: string | null): Promise<ModelList> {
    const pool = this.#pool(wanted) ?? this.#only();
    const models = known(await ask<readonly StoredModel[]>(this.#running(), { kind: "models", limit, pool }));
    return {
      models: models.map(
        ({ pool: of, version, origin, status, parentVersion, createdAtMs, statusAtMs, promotedAtMs, report }) => ({
          ...this.#named(of),
          version,
          origin,
          status,
          parent_version: parentVersion,
          created_at: timestamp(createdAtMs),
          status_at: timestamp(statusAtMs),
          promoted_at: promotedAtMs === null ? null : timestamp(promotedAtMs),
          report,
        }),
      ),
    };
  }

  /** `GET /api/v1/ml/verdicts`. Also of pools with another strategy, whose servers' limits are learned: on holding. */
  async verdicts(limit: number, modelVersion: number | null, wanted: string | null): Promise<VerdictList> {
    const { learner } = this.#view;
    const judged = [...new Set([...learner.pools, ...learner.limited].map(({ name }) => name))];
    if (!learner.running || judged.length === 0) throw this.#nothingLearned();
    const only = judged.length === 1 ? judged[0] : null;
    const asked = wanted !== null && judged.includes(wanted) ? wanted : this.#pool(wanted);
    const question = { kind: "verdicts", limit, modelVersion, pool: asked ?? only } as const;
    const verdicts = known(await ask<readonly StoredVerdict[]>(learner, question));
    return {
      verdicts: verdicts.map(({ pool, atMs, modelVersion: version, kind, reason, numbers }) => ({
        ...(only === null ? { pool } : {}),
        at: timestamp(atMs),
        model_version: version,
        kind,
        reason,
        numbers,
      })),
    };
  }

  /** `POST /api/v1/ml/<order>`. What was done, in a sentence; throws 409 with the sentence that says why not. */
  async order(
    order: LearnerOrder,
    version: number | null,
    wanted: string | null,
    scope: OrderScope = "cluster",
  ): Promise<string> {
    const learner = this.#running();
    const pool = this.#pool(wanted) ?? this.#only();
    if (pool === null) {
      const names = learner.pools.map(({ name }) => name);
      throw new ApiError(
        400,
        "pool_needed",
        `several pools are learned of: name one of ${names.join(", ")} (?pool=<name>; --pool <name> on the command line)`,
      );
    }
    const answer = known(await ask<LearnerOrderReply>(learner, { kind: "order", pool, order, version, scope }));
    if (!answer.done) throw new ApiError(409, "not_possible", answer.message);
    return answer.message;
  }

  /** The pool that is asked for; throws 404 when it is not learned of. */
  #pool(wanted: string | null): string | null {
    if (wanted === null) return null;
    const { pools, sampled } = this.#running();
    const names = pools.map(({ name }) => name);
    if (names.includes(wanted)) return wanted;
    if (sampled.includes(wanted)) {
      const only = `the pool ${wanted} is not balanced by ${LEARNED_STRATEGY}: only samples of its traffic are kept`;
      throw new ApiError(404, "not_learning", only);
    }
    throw new ApiError(404, "unknown_pool", `no pool ${wanted} is learned of: there are ${names.join(", ")}`);
  }

  /** The pool that is meant where none is named; `null` = there are several. */
  #only(): string | null {
    const { pools } = this.#view.learner;
    return pools.length === 1 ? pools[0].name : null;
  }

  /** Whose it is, where that is not clear. */
  #named(pool: string): { readonly pool?: string } {
    return this.#only() === null ? { pool } : {};
  }

  #running(): LearningResponsesView["learner"] {
    const { learner } = this.#view;
    if (learner.running && learner.pools.length > 0) return learner;
    throw this.#nothingLearned();
  }

  #nothingLearned(): ApiError {
    const { sampled } = this.#view.learner;
    const kept = `only samples of the traffic of ${sampled.join(", ")} are kept, to learn from on the day it is chosen`;
    const sentence = `nothing is learned or explained unless LB_STRATEGY=${LEARNED_STRATEGY}`;
    return new ApiError(404, "not_learning", sampled.length === 0 ? sentence : `${sentence}: ${kept}`);
  }

  #namer(): <T extends NamedServer>(server: T) => T {
    const urls = new Map(this.#view.fleet.endpoints().map(({ id, url }) => [id, url] as const));
    return (server) => ({ ...server, url: urls.get(server.server_id) ?? null });
  }
}

/** What the learner says of a pool, or why it does not. */
function saidOf(
  said: Descriptions | ApiError | null,
  pool: string,
  name: <T extends NamedServer>(server: T) => T,
): SaidOfPool {
  const known = said instanceof ApiError ? null : said?.[pool];
  return {
    rung_reason: said instanceof ApiError ? said.message : (known?.rung_reason ?? "no table was made yet"),
    mean_latency_ms: known?.mean_latency_ms ?? null,
    remembered_tables: known?.remembered_tables ?? 0,
    models: known?.models ?? null,
    servers: known?.servers?.map(name) ?? null,
  };
}

function known<T>(answer: T | null): T {
  if (answer !== null) return answer;
  throw new ApiError(503, "store_unavailable", "the store of what is learned cannot be read: the log says why");
}

/** ISO 8601. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

async function ask<T>(learner: Pick<Learner, "ask">, question: Parameters<Learner["ask"]>[0]): Promise<T | null> {
  try {
    return (await learner.ask(question)) as T | null;
  } catch (error) {
    if (error instanceof LearnerUnavailableError)
      throw new ApiError(503, "learner_unavailable", error.message, RETRY_SOON);
    throw error;
  }
}
