/** One training as a process beside the learner: at low priority, bounded in time and memory. */
import type { TrainingResult } from "../../../shared/memory/layout/learning.ts";
import { residentBytes } from "../../../shared/proc/resident-bytes.ts";
import type { StoreLocation } from "../../../storage/backends.ts";

/** Longer than this takes no training of the rows that it is given, milliseconds. */
const MOST_MS = 5 * 60_000;
/** Several times what it takes. */
const MOST_BYTES = 512 * 1024 * 1024;
/** Rows that it learns from: 2 to 4 s of one core. */
const ROWS = 100_000;
const LOOK_MS = 500;
const SHOWN_ERROR = 500;

/** How the command says what it did. */
const EXIT_CODES: Readonly<Record<number, TrainingResult>> = { 0: "proposed", 2: "too_few_samples", 3: "no_better" };

/** How a training ended. */
export interface Training {
  readonly result: TrainingResult;
  /** Of the candidate that was left in the store; `null` = none was. */
  readonly version: number | null;
  /** What the training found, or why it failed, for the log. */
  readonly sentence: string;
}

/** What is trained with. */
export interface TrainerOptions {
  /** Program and arguments before the command. */
  readonly program: readonly string[];
  /** Name of the pool whose samples are learned from. */
  readonly pool: string;
  /** Of the store. */
  readonly location: StoreLocation;
  readonly seed: number;
}

export class TrainerProcess {
  readonly #child: Bun.Subprocess<Buffer, "pipe", "pipe">;
  readonly #look: Timer;
  readonly #limit: Timer;
  #killed = "";

  /** Starts it. Throws when it cannot be spawned. */
  constructor({ program, pool, location, seed }: TrainerOptions) {
    const command = ["train", "--from", "store", "--store-on-stdin", "--propose", "--json", "--rows", String(ROWS)];
    this.#child = Bun.spawn({
      cmd: [...program, ...command, "--pool", pool, "--seed", String(seed)],
      stdin: Buffer.from(JSON.stringify(location)), // others may read the arguments of a process
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#look = setInterval(() => {
      if (residentBytes(this.#child.pid) > MOST_BYTES) this.#kill(`it took more than ${MOST_BYTES} bytes`);
    }, LOOK_MS);
    this.#limit = setTimeout(() => this.#kill(`it took longer than ${MOST_MS / 1000} s`), MOST_MS);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Ends it at once. */
  kill(): void {
    this.#kill("it was not waited for");
  }

  /** How it ended. Never rejects. */
  async ended(): Promise<Training> {
    const [output, error, code] = await Promise.all([
      new Response(this.#child.stdout).text(),
      new Response(this.#child.stderr).text(),
      this.#child.exited,
    ]);
    clearInterval(this.#look);
    clearTimeout(this.#limit);
    const result = this.#killed === "" ? EXIT_CODES[code] : undefined;
    if (result === undefined) {
      const why = this.#killed || error.trim().slice(-SHOWN_ERROR) || `it ended with ${code}`;
      return { result: "failed", version: null, sentence: why };
    }
    if (result === "too_few_samples") return { result, version: null, sentence: error.trim().slice(-SHOWN_ERROR) };
    try {
      const report = JSON.parse(output) as { proposedVersion: number | null; sentence: string };
      return { result, version: report.proposedVersion, sentence: report.sentence };
    } catch (cause) {
      return { result: "failed", version: null, sentence: `its report cannot be read: ${(cause as Error).message}` };
    }
  }

  #kill(why: string): void {
    this.#killed ||= why;
    this.#child.kill("SIGKILL");
  }
}
