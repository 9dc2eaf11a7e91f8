/** The responses about learned balancing: what the learner says, with the names of the servers. */
import { LEARNED_STRATEGY } from "../../balancing/registry.ts";
import type { LearnerOrder, LearnerOrderReply } from "../../protocol/learner.ts";
import type { Explanation, LearnerDescription, NamedServer } from "../../shared/explanation.ts";
import type { Model as StoredModel, Verdict as StoredVerdict } from "../../storage/learning-store.ts";
import { type Learner, LearnerUnavailableError } from "../processes/learner/learner.ts";
import { describeLearning, type LearningView } from "../processes/learner/status.ts";
import { ApiError } from "./responses.ts";

/** What is asked. */
export interface LearningResponsesView extends LearningView {
  readonly fleet: { endpoints(): readonly { readonly id: number; readonly url: string }[] };
}

/** Answers the questions of the admin API. Each throws an `ApiError` when there is no response. */
export class LearningResponses {
  readonly #view: LearningResponsesView;

  constructor(view: LearningResponsesView) {
    this.#view = view;
  }

  /** `GET /api/v1/ml`. Also without the learner, whose part is `null` then. */
  async overview(): Promise<object> {
    const learner = this.#running();
    const said = await ask<LearnerDescription>(learner, { kind: "describe" }).catch((error: ApiError) => error);
    const known = said instanceof ApiError ? null : said;
    const name = this.#namer();
    return {
      ...describeLearning(this.#view),
      rung_reason: said instanceof ApiError ? said.message : (known?.rung_reason ?? "no table was made yet"),
      mean_latency_ms: known?.mean_latency_ms ?? null,
      remembered_tables: known?.remembered_tables ?? 0,
      models: known?.models ?? null,
      servers: known?.servers?.map(name) ?? null,
    };
  }

  /** `GET /api/v1/explain/<request id>`. */
  async explain(requestId: string): Promise<Explanation> {
    const explanation = await ask<Explanation>(this.#running(), { kind: "explain", requestId });
    if (explanation === null) {
      throw new ApiError(
        404,
        "unknown_request",
        `no worker remembers the request ${requestId}: it is too long ago, or no server was chosen for it`,
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

  /** `GET /api/v1/ml/models`: without their files. */
  async models(limit: number): Promise<object> {
    const models = known(await ask<readonly StoredModel[]>(this.#running(), { kind: "models", limit }));
    return {
      models: models.map(
        ({ version, origin, status, parentVersion, createdAtMs, statusAtMs, promotedAtMs, report }) => ({
          version,
          origin,
          status,
          parent_version: parentVersion,
          created_at: timestamp(createdAtMs),
          status_at: timestamp(statusAtMs),
          promoted_at: timestamp(promotedAtMs),
          report,
        }),
      ),
    };
  }

  /** `GET /api/v1/ml/verdicts`. */
  async verdicts(limit: number, modelVersion: number | null): Promise<object> {
    const question = { kind: "verdicts", limit, modelVersion } as const;
    const verdicts = known(await ask<readonly StoredVerdict[]>(this.#running(), question));
    return {
      verdicts: verdicts.map(({ atMs, modelVersion: version, kind, reason, numbers }) => ({
        at: timestamp(atMs),
        model_version: version,
        kind,
        reason,
        numbers,
      })),
    };
  }

  /** `POST /api/v1/ml/<order>`. What was done, in a sentence; throws 409 with the sentence that says why not. */
  async order(order: LearnerOrder, version: number | null): Promise<string> {
    const answer = known(await ask<LearnerOrderReply>(this.#running(), { kind: "order", order, version }));
    if (!answer.done) throw new ApiError(409, "not_possible", answer.message);
    return answer.message;
  }

  #running(): Learner {
    const { learner } = this.#view;
    if (learner.running) return learner;
    throw new ApiError(404, "not_learning", `nothing is learned or explained unless LB_STRATEGY=${LEARNED_STRATEGY}`);
  }

  #namer(): <T extends NamedServer>(server: T) => T {
    const urls = new Map(this.#view.fleet.endpoints().map(({ id, url }) => [id, url] as const));
    return (server) => ({ ...server, url: urls.get(server.server_id) ?? null });
  }
}

function known<T>(answer: T | null): T {
  if (answer !== null) return answer;
  throw new ApiError(503, "store_unavailable", "the store of what is learned cannot be read: the log says why");
}

/** ISO 8601; `null` = never. */
function timestamp(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

async function ask<T>(learner: Learner, question: Parameters<Learner["ask"]>[0]): Promise<T | null> {
  try {
    return (await learner.ask(question)) as T | null;
  } catch (error) {
    if (error instanceof LearnerUnavailableError)
      throw new ApiError(503, "learner_unavailable", error.message, { "retry-after": "1" });
    throw error;
  }
}
