/** Questions of the admin API that processes of their own answer, and how much each kind may take. */
import type { ExpectationQuestions } from "../admin/expectations/responses.ts";
import type { HistoryQuestions } from "../admin/history-responses.ts";
import type { ControlLog } from "../log.ts";
import { type QuestionLimits, QuestionProcesses } from "../processes/question-processes.ts";

/** Each takes a core while it reads. An answer has as much room as the admin port has for each of its connections. */
const HISTORY: QuestionLimits = {
  maxRunning: 2,
  maxWaiting: 16,
  timeLimitMs: 30_000,
  maxAnswerBytes: 16 * 1024 * 1024,
};

/**
 * Each takes a core for seconds, though at a low priority, and 150 to 400 MB, which grow with the requests that are replayed
 * (`MOST_REPLAYED` in replay/expectations.ts). The time is what the socket behind the admin port waits for a response, and less.
 */
const EXPECTATIONS: QuestionLimits = {
  maxRunning: 1,
  maxWaiting: 8,
  timeLimitMs: 45_000,
  maxAnswerBytes: 1024 * 1024,
  maxResidentBytes: 768 * 1024 * 1024,
};

/** Whom the admin API asks. */
export class Questions {
  readonly history: HistoryQuestions;
  readonly expectations: ExpectationQuestions;

  /** @param program the product's own: program and arguments before the command. */
  constructor(program: readonly string[], log: ControlLog) {
    const history = { command: [...program, "history-question"], about: "history", log };
    const expectations = { command: [...program, "expectation"], about: "what strategies would do", log };
    this.history = new QuestionProcesses({ ...HISTORY, ...history });
    this.expectations = new QuestionProcesses({ ...EXPECTATIONS, ...expectations });
  }

  /** Ends what still runs; nothing is asked any more. */
  stop(): void {
    this.history.stop();
    this.expectations.stop();
  }
}
