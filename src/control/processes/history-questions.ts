/**
 * Questions about history: each is answered by a process of its own, for they read a disk or a network, and this thread makes
 * health checks. Few run at a time, each for so long and with so much to say at most.
 */
import { environmentForChildren } from "../../config/environment.ts";
import type { HistoryQuestionResult, HistoryQuestionTask } from "../../protocol/history-question.ts";
import { logForeignLines } from "../../telemetry/log/foreign-lines.ts";
import type { ControlLog } from "../log.ts";

/** Processes at a time; each takes a core while it reads. */
const MAX_RUNNING = 2;
/** Those who wait for one of them. */
const MAX_WAITING = 16;
/** From the process's start to its end. */
const TIME_LIMIT_MS = 30_000;
/** Of an answer. The admin port has this much for each of its connections. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Why there is no answer: `busy` and `late` pass, `large` needs another question. */
export class HistoryQuestionError extends Error {
  override readonly name = "HistoryQuestionError";
  readonly kind: "busy" | "late" | "large" | "failed";

  constructor(kind: HistoryQuestionError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** What questions are asked with. */
export interface HistoryQuestionsOptions {
  /** Program and arguments of the process. */
  readonly command: readonly string[];
  readonly log: ControlLog;
  readonly maxRunning?: number;
  readonly timeLimitMs?: number;
  readonly maxAnswerBytes?: number;
}

export class HistoryQuestions {
  readonly #options: HistoryQuestionsOptions;
  readonly #running = new Set<Bun.Subprocess>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #stopped = false;

  constructor(options: HistoryQuestionsOptions) {
    this.#options = options;
  }

  /**
   * Asks. Rejects with a `HistoryQuestionError`, or with the signal's reason.
   * @param signal aborted = nobody wants the answer any more.
   */
  async ask(task: HistoryQuestionTask, signal: AbortSignal): Promise<HistoryQuestionResult> {
    await this.#turn(signal);
    try {
      signal.throwIfAborted();
      if (this.#stopped) throw new HistoryQuestionError("busy", "the instance is stopping");
      return await this.#run(task, signal);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy--;
      else next(); // whose turn this is now
    }
  }

  /** Ends what still runs; nothing is asked any more. */
  stop(): void {
    this.#stopped = true;
    for (const running of this.#running) running.kill("SIGKILL");
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#busy >= (this.#options.maxRunning ?? MAX_RUNNING)) {
      if (this.#waiting.length >= MAX_WAITING) {
        throw new HistoryQuestionError("busy", "too many questions about history wait already");
      }
      await this.#wait(signal);
    } else this.#busy++;
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      const at = this.#waiting.indexOf(resolve);
      if (at >= 0) this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", leave, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  async #run(task: HistoryQuestionTask, signal: AbortSignal): Promise<HistoryQuestionResult> {
    const { command, log, timeLimitMs = TIME_LIMIT_MS, maxAnswerBytes = MAX_ANSWER_BYTES } = this.#options;
    const child = Bun.spawn({
      cmd: [...command],
      env: environmentForChildren(),
      stdin: new Blob([JSON.stringify(task)]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const name = "the process that answers questions about history";
    void logForeignLines(child.stderr, { log, name, fields: {}, clock: () => 0 }); // it has less than a minute
    this.#running.add(child);
    const end = (): void => child.kill("SIGKILL");
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end();
    }, timeLimitMs);
    signal.addEventListener("abort", end, { once: true });
    try {
      const text = await textOf(child.stdout, maxAnswerBytes);
      if (text === null) {
        throw new HistoryQuestionError("large", "the answer is too large: ask for less time or fewer rows");
      }
      const code = await child.exited;
      signal.throwIfAborted();
      if (late) {
        throw new HistoryQuestionError(
          "late",
          `the answer took longer than ${timeLimitMs / 1_000} s: ask for less time`,
        );
      }
      if (code !== 0) {
        log.error({ code, signal: child.signalCode }, "the process that answers questions about history failed");
        throw new HistoryQuestionError("failed", "the question could not be answered; the log may say why");
      }
      return JSON.parse(text) as HistoryQuestionResult;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      end();
      await child.exited;
      this.#running.delete(child);
    }
  }
}

/** `null` = it is longer than that. */
async function textOf(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
