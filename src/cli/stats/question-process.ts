/** The process that answers one question for the supervisor, whose own thread must not wait for a disk. */
import { answer } from "../../history/answer.ts";
import { QuestionError, readQuestion, type Subject } from "../../history/questions.ts";
import type { HistoryQuestionResult, HistoryQuestionTask } from "../../protocol/history-question.ts";
import { openHistoryReader } from "../../storage/open-store.ts";
import { StoreError } from "../../storage/store-error.ts";

/** Reads the task from standard input and writes the result to standard output. What is a bug ends the process. */
export async function runHistoryQuestion(): Promise<void> {
  const task = JSON.parse(await Bun.stdin.text()) as HistoryQuestionTask;
  await Bun.write(Bun.stdout, JSON.stringify(await resultOf(task)));
}

async function resultOf({ store, subject, parameters }: HistoryQuestionTask): Promise<HistoryQuestionResult> {
  try {
    const nowMs = Date.now();
    const question = readQuestion(subject as Subject, parameters, nowMs);
    const reader = openHistoryReader(store);
    try {
      return { kind: "answer", answer: await answer(reader, question, nowMs) };
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof QuestionError) return { kind: "question", message: error.message };
    if (error instanceof StoreError) return { kind: "store", message: error.message };
    throw error;
  }
}
