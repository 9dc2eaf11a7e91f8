/** One bash in which commands run one after the other, as a reader's terminal: what one sets the next one finds. */
import { spawn } from "../../test/support/processes.ts";

/** What became of commands. */
export interface Ran {
  readonly output: string;
  /** Of the last of them. */
  readonly code: number;
}

/** Runs as long as it is not ended. */
export class Session {
  readonly #mark = `done-${crypto.randomUUID()}`;
  readonly #bash: Bun.Subprocess<"pipe", "pipe", "inherit">;
  #output = "";
  #heard: () => void = () => {};

  /** @param prelude its first commands. */
  constructor(prelude: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#bash = spawn({
      cmd: ["bash", "--noprofile", "--norc"],
      env: { ...environment, LC_ALL: "C.UTF-8" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      // A group of its own, so that what runs in it can be ended with it.
      detached: true,
    }) as Bun.Subprocess<"pipe", "pipe", "inherit">;
    void this.#read();
    this.#say(prelude);
  }

  /** Runs commands to their end. Throws an `Error` when they take longer than `deadlineMs`: the session is over then. */
  async run(commands: string, deadlineMs: number): Promise<Ran> {
    const from = this.#output.length;
    // What reads standard input finds its end; the mark has a line of its own, whatever was printed before.
    this.#say(`{\n${commands}\n} </dev/null\nprintf '\\n%s %d\\n' ${this.#mark} "$?"\n`);
    const ended = new RegExp(`\\n${this.#mark} (\\d+)\\n`);
    const timer = setTimeout(() => this.#kill(), deadlineMs);
    try {
      for (;;) {
        const heard = new Promise<void>((resolve) => {
          this.#heard = resolve;
        });
        const output = this.#output.slice(from);
        const match = ended.exec(output);
        if (match !== null) return { output: output.slice(0, match.index), code: Number(match[1]) };
        if (this.#bash.exitCode !== null || this.#bash.killed) {
          throw new Error(`the shell ended, or ran for longer than ${deadlineMs / 1000} s:\n${output.slice(-2000)}`);
        }
        await heard;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it, and what runs in it with it. */
  async end(): Promise<void> {
    this.#kill();
    await this.#bash.exited;
  }

  #kill(): void {
    try {
      process.kill(-this.#bash.pid, "SIGKILL");
    } catch {
      // It has ended, and all that ran in it.
    }
  }

  #say(text: string): void {
    this.#bash.stdin.write(text);
    this.#bash.stdin.flush();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#bash.stdout) {
      this.#output += decoder.decode(chunk, { stream: true });
      this.#heard();
    }
    await this.#bash.exited;
    this.#heard();
  }
}
