/** The response that says what to expect of strategies: a question that a process of its own answers, kept for a minute. */
import { STRATEGY_NAMES } from "../../../balancing/registry.ts";
import type { ExpectationResult, ExpectationTask } from "../../../protocol/expectation.ts";
import type { Expectations } from "../../../shared/expectations.ts";
import type { StoreLocation } from "../../../storage/backends.ts";
import { QuestionProcessError, type QuestionProcesses } from "../../processes/question-processes.ts";
import { refusalOf } from "../question-refusals.ts";
import { ApiError, RETRY_SOON } from "../responses.ts";
import { KeptAnswers } from "./kept-answers.ts";

/** Whom the questions are put to. */
export type ExpectationQuestions = QuestionProcesses<ExpectationTask, ExpectationResult>;

/** What is known here. */
export interface ExpectationResponsesView {
  readonly questions: Pick<ExpectationQuestions, "ask">;
  /** `null` = HISTORY is off. */
  readonly store: () => StoreLocation | null;
  /** In the order of the configuration. */
  readonly pools: () => readonly { readonly name: string }[];
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

/** What is asked. */
export interface ExpectationQuestion {
  /** `null` = the only one there is. */
  readonly pool: string | null;
  /** `null` = all of which a simulation can say something. */
  readonly strategies: readonly string[] | null;
  readonly windowMs: number;
}

/** A page that asks again within a minute is told what it was told before. */
const KEEP_MS = 60_000;
/** A few kilobytes each. */
const MOST_KEPT = 64;

/** Answers `GET /api/v1/expectations`. */
export class ExpectationResponses {
  readonly #view: ExpectationResponsesView;
  readonly #kept: KeptAnswers<Expectations>;

  constructor(view: ExpectationResponsesView) {
    this.#view = view;
    this.#kept = new KeptAnswers({ keepMs: KEEP_MS, most: MOST_KEPT, nowMs: view.nowMs });
  }

  /** Throws an `ApiError` when nothing can be asked; that nothing can be expected is an answer. */
  async ask({ pool: wanted, strategies, windowMs }: ExpectationQuestion, signal: AbortSignal): Promise<Expectations> {
    const pool = this.#pool(wanted);
    const names = strategies === null ? null : STRATEGY_NAMES.filter((name) => checked(strategies).includes(name));
    const store = this.#view.store();
    if (store === null) throw new ApiError(409, "history_off", HISTORY_OFF);
    const task: ExpectationTask = { store, pool, strategies: names, windowMs };
    try {
      return await this.#kept.get(JSON.stringify(task), signal, (nobodyWaits) => this.#find(task, nobodyWaits));
    } catch (error) {
      throw error instanceof QuestionProcessError ? refusalOf(error, "expectations") : error;
    }
  }

  async #find(task: ExpectationTask, signal: AbortSignal): Promise<Expectations> {
    const result = await this.#view.questions.ask(task, signal);
    if (result.kind === "answer") return result.answer;
    throw new ApiError(503, "history_unavailable", result.message, RETRY_SOON);
  }

  #pool(wanted: string | null): string {
    const names = this.#view.pools().map(({ name }) => name);
    if (wanted === null && names.length === 1) return names[0];
    if (wanted === null) {
      const which = `there are several pools: name one of ${names.join(", ")} (?pool=<name>; --pool <name> on the command line)`;
      throw new ApiError(400, "pool_needed", which);
    }
    if (names.includes(wanted)) return wanted;
    throw new ApiError(404, "unknown_pool", `there is no pool ${wanted}: there are ${names.join(", ")}`);
  }
}

const HISTORY_OFF =
  "what strategies would do is found out by replaying recorded traffic, and nothing is recorded: HISTORY is off. HISTORY=on records it";

function checked(strategies: readonly string[]): readonly string[] {
  const known: readonly string[] = STRATEGY_NAMES;
  const unknown = strategies.find((name) => !known.includes(name));
  if (unknown === undefined) return strategies;
  const which = `there is no strategy ${JSON.stringify(unknown.slice(0, 64))}: there are ${known.join(", ")}`;
  throw new ApiError(400, "invalid_query", which);
}
