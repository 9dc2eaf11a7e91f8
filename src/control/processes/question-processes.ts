/**
 * Questions that take a disk, a network or a core for seconds: each is answered by a process of its own, for this thread makes
 * health checks. Few run at a time, each for so long, in so much memory and with so much to say at most.
 */
import { environmentForChildren } from "../../config/environment.ts";
import { residentBytes } from "../../shared/proc/resident-bytes.ts";
import { logForeignLines } from "../../telemetry/log/foreign-lines.ts";
import type { ControlLog } from "../log.ts";

/** How often a process's memory is looked at. */
const LOOK_MS = 250;

/** Why there is no answer: `busy` and `late` pass, `large` needs another question. */
export class QuestionProcessError extends Error {
  override readonly name = "QuestionProcessError";
  readonly kind: "busy" | "late" | "large" | "failed";

  constructor(kind: QuestionProcessError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** How much one kind of question may take. */
export interface QuestionLimits {
  /** Processes at a time. */
  readonly maxRunning: number;
  /** Those who wait for one of them. */
  readonly maxWaiting: number;
  /** From a process's start to its end. */
  readonly timeLimitMs: number;
  readonly maxAnswerBytes: number;
  /** Memory that a process may have; none = what it reads is bounded in itself. */
  readonly maxResidentBytes?: number;
}

/** What questions are asked with. */
export interface QuestionProcessesOptions extends QuestionLimits {
  /** Program and arguments of the process. */
  readonly command: readonly string[];
  /** What is asked about, for messages: `history`. */
  readonly about: string;
  readonly log: ControlLog;
}

/** @typeParam Task what a process reads from its standard input. @typeParam Result what it writes to its standard output. */
export class QuestionProcesses<Task extends object, Result> {
  readonly #options: QuestionProcessesOptions;
  readonly #running = new Set<Bun.Subprocess>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #stopped = false;

  constructor(options: QuestionProcessesOptions) {
    this.#options = options;
  }

  /**
   * Asks. Rejects with a `QuestionProcessError`, or with the signal's reason.
   * @param signal aborted = nobody wants the answer any more.
   */
  async ask(task: Task, signal: AbortSignal): Promise<Result> {
    await this.#turn(signal);
    try {
      signal.throwIfAborted();
      if (this.#stopped) throw new QuestionProcessError("busy", "the instance is stopping");
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
    const { maxRunning, maxWaiting, about } = this.#options;
    if (this.#busy >= maxRunning) {
      if (this.#waiting.length >= maxWaiting) {
        throw new QuestionProcessError("busy", `too many questions about ${about} wait already`);
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

  async #run(task: Task, signal: AbortSignal): Promise<Result> {
    const { command, about, log, timeLimitMs, maxAnswerBytes, maxResidentBytes } = this.#options;
    const child = Bun.spawn({
      cmd: [...command],
      env: environmentForChildren(),
      stdin: new Blob([JSON.stringify(task)]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const name = `the process that answers questions about ${about}`;
    void logForeignLines(child.stderr, { log, name, fields: {}, clock: () => 0 }); // it has a minute at most
    this.#running.add(child);
    const end = (): void => child.kill("SIGKILL");
    let late = false;
    let swollen = false;
    const timer = setTimeout(() => {
      late = true;
      end();
    }, timeLimitMs);
    const look = (): void => {
      if (residentBytes(child.pid) <= maxResidentBytes!) return;
      swollen = true;
      end();
    };
    const looks = maxResidentBytes === undefined ? undefined : setInterval(look, LOOK_MS);
    signal.addEventListener("abort", end, { once: true });
    try {
      const text = await textOf(child.stdout, maxAnswerBytes);
      if (text === null) {
        throw new QuestionProcessError("large", "the answer is too large: ask for less time or fewer rows");
      }
      const code = await child.exited;
      signal.throwIfAborted();
      if (late) {
        throw new QuestionProcessError(
          "late",
          `the answer took longer than ${timeLimitMs / 1_000} s: ask for less time`,
        );
      }
      if (swollen) {
        throw new QuestionProcessError(
          "large",
          `the answer takes more than ${maxResidentBytes} bytes: ask for less time`,
        );
      }
      if (code !== 0) {
        log.error({ code, signal: child.signalCode }, `${name} failed`);
        throw new QuestionProcessError("failed", "the question could not be answered; the log may say why");
      }
      return JSON.parse(text) as Result;
    } finally {
      clearTimeout(timer);
      clearInterval(looks);
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
