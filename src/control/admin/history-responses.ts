/** The responses about what happened: questions that a process of their own answers. */
import type { HistoryQuestionResult, HistoryQuestionTask } from "../../protocol/history-question.ts";
import type { StoreLocation } from "../../storage/backends.ts";
import { QuestionProcessError, type QuestionProcesses } from "../processes/question-processes.ts";
import { refusalOf } from "./question-refusals.ts";
import { ApiError, json, RETRY_SOON } from "./responses.ts";

/** Whom questions about history are put to. */
export type HistoryQuestions = QuestionProcesses<HistoryQuestionTask, HistoryQuestionResult>;

/** What is asked. */
export interface HistoryResponsesView {
  readonly questions: Pick<HistoryQuestions, "ask">;
  /** `null` = HISTORY is off. */
  readonly store: () => StoreLocation | null;
}

/** Answers the questions of the admin API. */
export class HistoryResponses {
  readonly #view: HistoryResponsesView;

  constructor(view: HistoryResponsesView) {
    this.#view = view;
  }

  /** Throws an `ApiError` when there is no answer. @param subject what is asked for; its parameters are the query's. */
  async ask(subject: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    const store = this.#view.store();
    if (store === null) throw new ApiError(409, "history_off", "nothing is kept of what happens: HISTORY is off");
    let result: HistoryQuestionResult;
    try {
      result = await this.#view.questions.ask({ store, subject, parameters }, signal);
    } catch (error) {
      throw error instanceof QuestionProcessError ? refusalOf(error, "history") : error;
    }
    if (result.kind === "answer") return json(result.answer);
    if (result.kind === "question") throw new ApiError(400, "invalid_query", result.message);
    throw new ApiError(503, "history_unavailable", result.message, RETRY_SOON);
  }
}
