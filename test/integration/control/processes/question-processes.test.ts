import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HistoryQuestions, HistoryResponses } from "../../../../src/control/admin/history-responses.ts";
import { ApiError } from "../../../../src/control/admin/responses.ts";
import {
  QuestionProcesses,
  type QuestionProcessesOptions,
} from "../../../../src/control/processes/question-processes.ts";
import type { HistoryQuestionResult, HistoryQuestionTask } from "../../../../src/protocol/history-question.ts";
import { isAlive, readJournal, recordingLogger, until } from "./fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-questions-"));
afterAll(() => rmSync(directory, { recursive: true }));

const store = { kind: "sqlite", directory: "/nowhere" } as const;
const never = new AbortController().signal;
let journals = 0;

const LIMITS = { maxRunning: 2, maxWaiting: 16, timeLimitMs: 600_000, maxAnswerBytes: 16_000_000 } as const;

function asking(options: Partial<QuestionProcessesOptions> = {}) {
  const { log, lines } = recordingLogger();
  const command = [process.execPath, join(import.meta.dir, "fake-question.ts")];
  const questions = new QuestionProcesses<HistoryQuestionTask, HistoryQuestionResult>({
    ...LIMITS,
    command,
    about: "history",
    log,
    ...options,
  });
  const journal = join(directory, String(journals++));
  const pids = () => readJournal<number>(journal);
  const task = (act: string): HistoryQuestionTask => ({ store, subject: "traffic", parameters: { act, journal } });
  return { questions, lines, pids, task, [Symbol.dispose]: () => questions.stop() };
}

describe("questions that processes answer", () => {
  test("each is answered by a process, which is told by its standard input alone", async () => {
    using asked = asking();
    const result = await asked.questions.ask(asked.task("echo"), never);
    expect(result).toEqual({ kind: "answer", answer: { task: asked.task("echo"), argv: [] } });
    for (const pid of asked.pids()) expect(isAlive(pid)).toBe(false);
  });

  test("so many run at a time, so many wait, and the rest is refused", async () => {
    using asked = asking({ maxRunning: 1 });
    const leaving = new AbortController();
    const hanging = asked.questions.ask(asked.task("hang"), leaving.signal);
    const waiting = Array.from({ length: 16 }, () => asked.questions.ask(asked.task("echo"), never));
    await expect(asked.questions.ask(asked.task("echo"), never)).rejects.toMatchObject({ kind: "busy" });
    await until(() => asked.pids().length === 1);
    leaving.abort(new Error("gone"));
    await expect(hanging).rejects.toThrow("gone");
    await Promise.all(waiting);
    expect(asked.pids()).toHaveLength(17);
  }, 120_000);

  test("who leaves while he waits costs nobody a turn", async () => {
    using asked = asking({ maxRunning: 1 });
    const first = new AbortController();
    const second = new AbortController();
    const hanging = asked.questions.ask(asked.task("hang"), first.signal).catch((error: Error) => error.message);
    const left = asked.questions.ask(asked.task("echo"), second.signal).catch((error: Error) => error.message);
    const last = asked.questions.ask(asked.task("echo"), never);
    second.abort(new Error("left"));
    expect(await left).toBe("left");
    first.abort(new Error("gone"));
    expect(await hanging).toBe("gone");
    expect(await last).toMatchObject({ kind: "answer" });
  }, 120_000);

  test("one that takes too long is ended", async () => {
    using asked = asking({ timeLimitMs: 300 });
    await expect(asked.questions.ask(asked.task("hang"), never)).rejects.toMatchObject({ kind: "late" });
    for (const pid of asked.pids()) expect(isAlive(pid)).toBe(false);
  });

  test("so is one that says too much", async () => {
    using asked = asking({ maxAnswerBytes: 1_000_000 });
    await expect(asked.questions.ask(asked.task("flood"), never)).rejects.toMatchObject({ kind: "large" });
  });

  test("and one that takes too much memory", async () => {
    using asked = asking({ maxResidentBytes: 1_000_000 });
    await expect(asked.questions.ask(asked.task("hang"), never)).rejects.toMatchObject({
      kind: "large",
      message: expect.stringContaining("1000000 bytes"),
    });
    for (const pid of asked.pids()) expect(isAlive(pid)).toBe(false);
  });

  test("one that dies is logged", async () => {
    using asked = asking();
    await expect(asked.questions.ask(asked.task("crash"), never)).rejects.toMatchObject({ kind: "failed" });
    expect(asked.lines).toEqual([expect.objectContaining({ code: 3 })]);
  });

  test("after the end nothing is asked, and nothing runs on", async () => {
    using asked = asking();
    const hanging = asked.questions.ask(asked.task("hang"), never).catch((error: Error) => error.name);
    await until(() => asked.pids().length === 1);
    asked.questions.stop();
    expect(await hanging).toBe("QuestionProcessError");
    expect(isAlive(asked.pids()[0])).toBe(false);
    await expect(asked.questions.ask(asked.task("echo"), never)).rejects.toMatchObject({ kind: "busy" });
  });
});

describe("responses about history", () => {
  const refused = async (asked: Promise<Response>) => {
    const error = (await asked.catch((thrown: unknown) => thrown)) as ApiError;
    expect(error).toBeInstanceOf(ApiError);
    return [error.status, error.code, error.message];
  };

  test("the query's parameters are the question's", async () => {
    using asked = asking();
    const responses = new HistoryResponses({ questions: asked.questions, store: () => store });
    const response = await responses.ask("traffic", { since: "2h", pool: "a+b" }, never);
    expect(response.status).toBe(200);
    const task = { store, subject: "traffic", parameters: { since: "2h", pool: "a+b" } };
    expect(await response.json()).toEqual({ task, argv: [] });
  });

  test("what cannot be answered has a status and a sentence", async () => {
    const responses = (ask: HistoryQuestions["ask"], kept = true) =>
      new HistoryResponses({ questions: { ask }, store: () => (kept ? store : null) });
    const question = responses(async () => ({ kind: "question", message: "by must be" }));
    expect(await refused(question.ask("traffic", {}, never))).toEqual([400, "invalid_query", "by must be"]);
    const broken = responses(async () => ({ kind: "store", message: "it is damaged" }));
    expect(await refused(broken.ask("traffic", {}, never))).toEqual([503, "history_unavailable", "it is damaged"]);
    const off = responses(async () => ({ kind: "answer", answer: {} }), false);
    expect(await refused(off.ask("traffic", {}, never))).toEqual([
      409,
      "history_off",
      "nothing is kept of what happens: HISTORY is off",
    ]);
  });
});
