/** The answers about learned balancing: what the learner says, with the names of the servers. */
import { LEARNED_STRATEGY } from "../balancing/registry.ts";
import type { Explanation, LearnerDescription, NamedServer } from "../shared/explanation.ts";
import { ApiError } from "./admin-api-responses.ts";
import { type Learner, LearnerUnavailableError } from "./learner.ts";
import { describeLearning, type LearningView } from "./learner-status.ts";

/** What is asked. */
export interface LearningAnswersView extends LearningView {
  readonly fleet: { servers(): readonly { readonly id: number; readonly url: string }[] };
}

/** Answers the questions of the admin API. Each throws an `ApiError` when there is no answer. */
export class LearningAnswers {
  readonly #view: LearningAnswersView;

  constructor(view: LearningAnswersView) {
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
      servers: known?.servers.map(name) ?? null,
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

  #running(): Learner {
    const { learner } = this.#view;
    if (learner.running) return learner;
    throw new ApiError(404, "not_learning", `nothing is learned or explained unless LB_STRATEGY=${LEARNED_STRATEGY}`);
  }

  #namer(): <T extends NamedServer>(server: T) => T {
    const urls = new Map(this.#view.fleet.servers().map(({ id, url }) => [id, url] as const));
    return (server) => ({ ...server, url: urls.get(server.server_id) ?? null });
  }
}

async function ask<T>(learner: Learner, question: Parameters<Learner["ask"]>[0]): Promise<T | null> {
  try {
    return (await learner.ask(question)) as T | null;
  } catch (error) {
    if (error instanceof LearnerUnavailableError) throw new ApiError(503, "learner_unavailable", error.message);
    throw error;
  }
}
