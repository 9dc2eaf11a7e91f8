/** Processes of a test, and waiting for what they do. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DEADLINE_MS = 15_000;

/** Polls until `condition` returns something true, and returns that. Throws after `deadlineMs`. */
export async function until<T>(condition: () => T | Promise<T>, deadlineMs = DEADLINE_MS): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`still not so after ${deadlineMs} ms: ${condition}`);
    await Bun.sleep(20);
  }
}

/** A process that runs until it is stopped, and what it printed. */
export class Daemon {
  readonly process: Bun.Subprocess<"ignore", "pipe" | "ignore", "pipe">;
  stdout = "";
  stderr = "";

  /** @param options.quiet nobody wants its standard output. */
  constructor(
    command: readonly string[],
    options: { cwd?: string; env?: Record<string, string>; quiet?: boolean } = {},
  ) {
    this.process = Bun.spawn({
      cmd: [...command],
      cwd: options.cwd ?? "/",
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
      stdin: "ignore",
      stdout: options.quiet ? "ignore" : "pipe",
      stderr: "pipe",
    });
    const { stdout } = this.process;
    if (stdout) {
      void this.#read(stdout, (text) => {
        this.stdout += text;
      });
    }
    void this.#read(this.process.stderr, (text) => {
      this.stderr += text;
    });
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Waits for what `find` looks for in the output. Throws with the output when the process ends before. */
  async says<T>(find: (daemon: this) => T): Promise<NonNullable<T>> {
    return until(() => {
      const found = find(this);
      if (!found && this.process.exitCode !== null) {
        throw new Error(`it ended with ${this.process.exitCode}: ${this.stderr}${this.stdout}`);
      }
      return found;
    });
  }

  /** Asks the process to end, and insists after five seconds. @returns its exit code. */
  async stop(): Promise<number> {
    this.process.kill("SIGTERM");
    const insist = setTimeout(() => this.process.kill("SIGKILL"), 5000);
    const code = await this.process.exited;
    clearTimeout(insist);
    return code;
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  }
}

export interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Standard output as text. */
  readonly text: string;
}

/** Runs a command to its end, or kills it after `deadlineMs`. */
export async function run(
  command: readonly string[],
  options: { cwd?: string; input?: Blob; deadlineMs?: number; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const child = Bun.spawn({
    cmd: [...command],
    cwd: options.cwd ?? "/",
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdin: options.input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.deadlineMs ?? 20_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).arrayBuffer(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const bytes = Buffer.from(stdout);
  return { code, stdout: bytes, stderr, text: bytes.toString() };
}

/** A directory of its own for a test; `remove` deletes it. */
export class Scratch {
  readonly path = mkdtempSync(join(tmpdir(), "neurabalancer-e2e-"));

  file(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
