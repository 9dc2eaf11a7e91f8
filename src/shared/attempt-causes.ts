/** Why an attempt counts against its server, by a number that workers and who reads their counts share. */
import { SERVER_FAILURE_CODES } from "./failure-codes.ts";

/** The codes of failures whose source is the server, and `server_error` for a response of 5xx. */
export const ATTEMPT_CAUSES = [
  /** None of the others: a test sees to it that this stays at zero. */
  "other",
  "server_error",
  ...SERVER_FAILURE_CODES,
] as const;

/** Index of `other`. */
export const OTHER_CAUSE = 0;
/** Index of `server_error`. */
export const SERVER_ERROR_CAUSE = ATTEMPT_CAUSES.indexOf("server_error");

const INDEX: ReadonlyMap<string, number> = new Map(ATTEMPT_CAUSES.map((cause, index) => [cause, index]));

/** Index of the cause that a failure with this code is. */
export function attemptCause(code: string): number {
  return INDEX.get(code) ?? OTHER_CAUSE;
}
