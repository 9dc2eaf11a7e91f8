/** The responses about what happened: questions that a process of their own answers. */
import type { HistoryQuestionResult } from "../../protocol/history-question.ts";
import type { StoreLocation } from "../../storage/backends.ts";
import { HistoryQuestionError, type HistoryQuestions } from "../processes/history-questions.ts";
import { ApiError, json } from "./responses.ts";

/** What is asked. */
export interface HistoryResponsesView {
  readonly questions: Pick<HistoryQuestions, "ask">;
  /** `null` = HISTORY is off. */
  readonly store: () => StoreLocation | null;
}

const RETRY_SOON = { "retry-after": "1" } as const;

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
      throw error instanceof HistoryQuestionError ? refusalOf(error) : error;
    }
    if (result.kind === "answer") return json(result.answer);
    if (result.kind === "question") throw new ApiError(400, "invalid_query", result.message);
    throw new ApiError(503, "history_unavailable", result.message, RETRY_SOON);
  }
}

function refusalOf({ kind, message }: HistoryQuestionError): ApiError {
  switch (kind) {
    case "busy":
      return new ApiError(503, "busy", message, RETRY_SOON);
    case "late":
      return new ApiError(503, "history_timeout", message);
    case "large":
      return new ApiError(400, "answer_too_large", message);
    case "failed":
      return new ApiError(500, "internal", message);
  }
}
