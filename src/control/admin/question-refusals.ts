/** What a question that a process was to answer is refused with. */
import type { QuestionProcessError } from "../processes/question-processes.ts";
import { ApiError, RETRY_SOON } from "./responses.ts";

/** @param subject what was asked for, as codes have it: `history`. */
export function refusalOf({ kind, message }: QuestionProcessError, subject: string): ApiError {
  switch (kind) {
    case "busy":
      return new ApiError(503, "busy", message, RETRY_SOON);
    case "late":
      return new ApiError(503, `${subject}_timeout`, message);
    case "large":
      return new ApiError(400, "answer_too_large", message);
    case "failed":
      return new ApiError(500, "internal", message);
  }
}
